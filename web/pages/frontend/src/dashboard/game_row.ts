/** The row of the game: what was played on a board, by day or by hour, and by whom and what this hour. */

import { nameOf } from "../admin/board.js";
import { everyBoard } from "../admin/boards.js";
import { tell } from "../admin/failure.js";
import { query } from "../admin/paged.js";
import { address } from "../admin/routes.js";
import { LineChart } from "../chart.js";
import type { Line } from "../chart_words.js";
import { find, make } from "../elements.js";
import { number } from "../format.js";
import { text } from "../json.js";
import { Notice } from "../notice.js";
import type { Session } from "../session.js";
import { type Analytics, type Point, firstDay, lineOf, readAnalytics } from "./analytics.js";
import { figure, words } from "./samples.js";

const EVERY_MS = 60_000;

const CHARTS: Readonly<Record<string, { title: string; lines: (series: readonly Point[]) => readonly Line[] }>> = {
  players: {
    title: "Players",
    lines: (series) => [
      lineOf("active", series, ({ activePlayers }) => activePlayers),
      lineOf("new", series, ({ newPlayers }) => newPlayers),
    ],
  },
  played: {
    title: "Updates",
    lines: (series) => [
      lineOf("counted", series, ({ updates }) => updates),
      lineOf("refused", series, ({ refused }) => refused),
    ],
  },
  points: {
    title: "Points",
    lines: (series) => [
      lineOf("in", series, ({ points }) => points),
      lineOf("out", series, ({ pointsTaken }) => pointsTaken),
    ],
  },
};

export class GameRow {
  readonly #root: HTMLElement;
  readonly #session: Session;
  readonly #notice: Notice;
  readonly #board: HTMLSelectElement;
  readonly #span: HTMLSelectElement;
  #charts = new Map<string, LineChart>();
  #isByDay: boolean | null = null;
  #asking = 0;
  #timer: number | undefined;

  constructor(root: HTMLElement, session: Session) {
    this.#root = root;
    this.#session = session;
    this.#notice = new Notice(find(root, ".notice", HTMLElement));
    this.#board = find(root, "[name=board]", HTMLSelectElement);
    this.#span = find(root, "[name=span]", HTMLSelectElement);
    const form = find(root, "form", HTMLFormElement);
    form.addEventListener("change", () => void this.#read());
    form.addEventListener("submit", (event) => event.preventDefault());
    this.#drawOn(true);
  }

  async show(): Promise<void> {
    this.clear();
    const asking = this.#asking;
    try {
      const boards = await everyBoard(this.#session);
      if (asking !== this.#asking) return;
      const options = [...boards.values()].map((board) => make("option", { value: board.boardId }, nameOf(board)));
      this.#board.replaceChildren(...options);
      this.#board.value = "main";
    } catch (error) {
      if (asking === this.#asking) tell(this.#notice, error);
      return;
    }
    await this.#read();
  }

  clear(): void {
    this.#asking += 1;
    clearTimeout(this.#timer);
    this.#notice.clear();
    this.#board.replaceChildren();
    for (const chart of this.#charts.values()) chart.clear();
    for (const name of ["actions", "refusals", "movers"]) this.#fill(name, []);
  }

  /** Read what is chosen, and again every minute: hours are counted as often. */
  async #read(): Promise<void> {
    const asking = (this.#asking += 1);
    clearTimeout(this.#timer);
    const [by = "day", days = "30"] = this.#span.value.split(" ");
    try {
      const chosen = { board: this.#board.value, by, from: firstDay(Number(days), Date.now()) };
      const path = `/api/admin/analytics${query(chosen)}`;
      const { body } = await this.#session.call({ method: "GET", path });
      if (asking !== this.#asking) return;
      this.#notice.clear();
      this.#draw(readAnalytics(body), by === "day");
    } catch (error) {
      if (asking !== this.#asking) return;
      tell(this.#notice, error);
    }
    this.#timer = setTimeout(() => void this.#read(), EVERY_MS);
  }

  #draw({ series, actions, refusals, movers }: Analytics, isByDay: boolean): void {
    this.#drawOn(isByDay);
    const at = series.map((point) => point.at);
    for (const [name, chart] of this.#charts) chart.show(at, CHARTS[name]?.lines(series) ?? []);
    this.#fill("actions", actions.map((action) => row(text(action["actionId"]), action, COLUMNS)));
    this.#fill("refusals", refusals.map(([code, times]) => row(words(code), { times }, [["times", "Updates"]])));
    this.#fill("movers", movers.map(({ userId, username, points }) => {
      const link = make("a", { href: address({ view: "player", subject: userId }) }, make("bdi", {}, username));
      return row(link, { points }, [["points", "Points"]]);
    }));
  }

  #drawOn(isByDay: boolean): void {
    if (this.#isByDay === isByDay) return;
    this.#isByDay = isByDay;
    for (const chart of this.#charts.values()) chart.destroy();
    const a = isByDay ? "a day" : "an hour";
    this.#charts = new Map(
      Object.entries(CHARTS).map(([name, { title }]) => {
        const place = find(this.#root, `[data-chart=${name}]`, HTMLElement);
        return [name, new LineChart(place, { title: `${title} ${a}`, isByDay, isWhole: true, together: "game" })];
      }),
    );
  }

  #fill(name: string, rows: readonly HTMLElement[]): void {
    find(this.#root, `[data-part=${name}]`, HTMLElement).replaceChildren(...rows);
    find(this.#root, `[data-part=no-${name}]`, HTMLElement).hidden = rows.length > 0;
  }
}

type Columns = readonly (readonly [string, string])[];

const COLUMNS: Columns = [
  ["updates", "Updates"],
  ["refused", "Refused"],
  ["points", "Points"],
];

function row(heading: Node | string, figures: Readonly<Record<string, unknown>>, columns: Columns): HTMLElement {
  const cells = columns.map(([name, label]) =>
    make("td", { class: "number", "data-label": label }, number(figure(figures[name]))),
  );
  return make("tr", {}, make("th", { scope: "row" }, heading), ...cells);
}
