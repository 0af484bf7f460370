/** A player's updates of a span of time, made void or restored together, once it was seen who moves. */

import { find, setText } from "../elements.js";
import { number } from "../format.js";
import { integer, list } from "../json.js";
import { Notice } from "../notice.js";
import { scoreText } from "../scores.js";
import type { Session } from "../session.js";
import { type Board, nameOf } from "./board.js";
import { make } from "./build.js";
import type { DeedDialog } from "./deed.js";
import { type Moved, readMoved } from "./event.js";
import { scores } from "./event_panel.js";
import { tell } from "./failure.js";
import { type Person, calledBy } from "./person.js";
import { asEnd, asInstant } from "./words.js";

/** The API asks for a reason also where nothing is changed, and keeps none then. */
const REASON_OF_DRY_RUN = "dry run";

/** Whose updates, and which: as they were looked at, whoever is shown meanwhile. */
interface Span {
  readonly player: Person;
  readonly how: "void" | "restore";
  readonly from: string | null;
  readonly to: string | null;
  readonly actionId: string | null;
  readonly amendClosed: boolean | null;
}

export class SpanPanel {
  readonly #session: Session;
  readonly #dialog: DeedDialog;
  readonly #form: HTMLFormElement;
  readonly #preview: HTMLElement;
  readonly #count: HTMLElement;
  readonly #confirm: HTMLButtonElement;
  readonly #notice: Notice;
  readonly #onChange: () => void;
  #player: Person | null = null;
  #boards: ReadonlyMap<string, Board> = new Map();
  #asked = 0;

  /** `onChange` hears of every correction. */
  constructor(root: HTMLElement, session: Session, dialog: DeedDialog, onChange: () => void) {
    this.#session = session;
    this.#dialog = dialog;
    this.#onChange = onChange;
    this.#form = find(root, "form", HTMLFormElement);
    this.#preview = find(root, "[data-part=preview]", HTMLElement);
    this.#count = find(root, "[data-part=count]", HTMLElement);
    this.#confirm = find(root, "[data-part=confirm]", HTMLButtonElement);
    this.#notice = new Notice(find(root, ".notice", HTMLElement));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#look();
    });
    this.#form.addEventListener("input", () => this.#forget()); // it was of another span
  }

  show(player: Person, boards: ReadonlyMap<string, Board>): void {
    this.#player = player;
    this.#boards = boards;
    this.#forget();
  }

  clear(): void {
    this.#player = null;
    this.#form.reset();
    this.#forget();
  }

  #forget(): void {
    this.#asked += 1;
    this.#preview.hidden = true;
    find(this.#preview, "tbody", HTMLElement).replaceChildren();
    setText(this.#count, "");
    this.#notice.clear();
    const isVoid = new FormData(this.#form).get("how") !== "restore";
    find(this.#form, "[data-of=amend]", HTMLElement).hidden = !isVoid;
  }

  async #look(): Promise<void> {
    this.#forget();
    const asked = this.#asked;
    if (this.#player === null) return;
    const span = this.#span(this.#player);
    if (span.from === null || span.to === null) {
      this.#notice.show("Give both ends of the span.");
      return;
    }
    try {
      const { body } = await this.#send(span, REASON_OF_DRY_RUN, true);
      if (asked === this.#asked) this.#show(span, integer(body["events"]), list(body["standings"], readMoved));
    } catch (error) {
      if (asked === this.#asked) tell(this.#notice, error);
    }
  }

  #show(span: Span, events: number, moved: readonly Moved[]): void {
    const what = `${number(events)} ${events === 1 ? "update" : "updates"}`;
    const verb = span.how === "void" ? "Void" : "Restore";
    this.#preview.hidden = events === 0;
    const found = `${what}; ${scores(moved.length)} would change.`;
    setText(this.#count, events === 0 ? `There is nothing to ${span.how} in this span.` : found);
    find(this.#preview, "tbody", HTMLElement).replaceChildren(...moved.map((one) => this.#row(one)));
    setText(this.#confirm, `${verb} ${what}`);
    this.#confirm.onclick = () =>
      this.#dialog.open({
        title: `${verb} ${what} of ${calledBy(span.player)}`,
        lead: span.how === "void" ? "They count nowhere from now on, and can be restored." : "They count again.",
        verb,
        fields: ["reason"],
        carryOut: (values) => this.#carryOut(span, values["reason"] ?? ""),
      });
  }

  #row({ board, period, scores: [before, after], ranks }: Moved): HTMLElement {
    const format = this.#boards.get(board)?.format ?? "integer";
    const known = this.#boards.get(board);
    const score = (value: number | null): string => (value === null ? "–" : scoreText(value, format));
    const rank = (value: number | null): string => (value === null ? "–" : number(value));
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, known ? nameOf(known) : board, make("small", {}, period)),
      make("td", { "data-label": "Score", class: "number" }, `${score(before)} → ${score(after)}`),
      make("td", { "data-label": "Rank", class: "number" }, `${rank(ranks[0])} → ${rank(ranks[1])}`),
    );
  }

  async #carryOut(span: Span, reason: string): Promise<string> {
    const { body } = await this.#send(span, reason, false);
    const events = integer(body["events"]);
    if (this.#player?.userId === span.player.userId) {
      this.#forget();
      this.#onChange();
    }
    const what = `${number(events)} ${events === 1 ? "update" : "updates"} ${span.how === "void" ? "void" : "again"}`;
    return `${what}; ${scores(list(body["standings"], readMoved).length)} changed.`;
  }

  #send({ player, how, ...span }: Span, reason: string, dryRun: boolean): ReturnType<Session["call"]> {
    const body = JSON.stringify({ ...span, reason, dryRun });
    return this.#session.call({ method: "POST", path: `/api/admin/users/${player.userId}/${how}`, body });
  }

  #span(player: Person): Span {
    const given = new FormData(this.#form);
    const of = (name: string): string => String(given.get(name) ?? "").trim();
    const how = of("how") === "restore" ? "restore" : "void";
    return {
      player,
      how,
      from: asInstant(of("from")),
      to: asEnd(of("to")),
      actionId: of("actionId") || null,
      amendClosed: how === "void" ? given.has("amendClosed") : null,
    };
  }
}
