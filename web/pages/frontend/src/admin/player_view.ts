/** One player: how they stand, and what an admin may do about it. */

import { field, find, setText } from "../elements.js";
import { number } from "../format.js";
import { type JsonObject, integer, list, object, text } from "../json.js";
import { Notice } from "../notice.js";
import { scoreText } from "../scores.js";
import type { Session } from "../session.js";
import { Adjustment } from "./adjustment.js";
import { type Board, nameOf } from "./board.js";
import { everyBoard } from "./boards.js";
import { button, make } from "./build.js";
import type { Deed, DeedDialog, Values } from "./deed.js";
import { EventPanel } from "./event_panel.js";
import { tell } from "./failure.js";
import { type State, calledBy, readState } from "./person.js";
import { address } from "./routes.js";
import { pills } from "./search_view.js";
import { SpanPanel } from "./span_panel.js";
import { moment } from "./words.js";

/** The rules whose boards add up, so that there is something to adjust. */
const ADDED_UP = ["sum", "count"];

export class PlayerView {
  readonly #root: HTMLElement;
  readonly #session: Session;
  readonly #dialog: DeedDialog;
  readonly #notice: Notice;
  readonly #events: EventPanel;
  readonly #span: SpanPanel;
  #state: State | null = null;
  #boards: ReadonlyMap<string, Board> = new Map();
  /** By the player's id: the adjustment that may have been carried out, until that is known. */
  readonly #pending = new Map<string, Adjustment>();
  #asked = 0;

  constructor(root: HTMLElement, session: Session, dialog: DeedDialog) {
    this.#root = root;
    this.#session = session;
    this.#dialog = dialog;
    this.#notice = new Notice(find(root, "[data-part=trouble]", HTMLElement));
    this.#events = new EventPanel(this.#part("events"), session, dialog, () => void this.#refresh());
    this.#span = new SpanPanel(this.#part("span"), session, dialog, () => void this.#reload());
  }

  async show(userId: string): Promise<void> {
    this.clear();
    const asked = this.#asked;
    try {
      const boards = await everyBoard(this.#session);
      if (asked !== this.#asked) return;
      this.#boards = boards;
      if (!(await this.#read(userId)) || !this.#state) return;
      this.#span.show(this.#state, boards);
      await this.#events.show(userId, named(boards.values()));
    } catch (error) {
      if (asked === this.#asked) tell(this.#notice, error);
    }
  }

  clear(): void {
    this.#asked += 1;
    this.#state = null;
    this.#notice.clear();
    this.#part("body").hidden = true;
    setText(field(this.#root, "name"), "Player");
    for (const name of ["facts", "deeds", "places"]) this.#part(name).replaceChildren();
    this.#events.clear();
    this.#span.clear();
  }

  /** The state and the places, read anew. Returns whether this player is still the one who is asked for. */
  async #read(userId: string): Promise<boolean> {
    const asked = this.#asked;
    const answer = await this.#session.call({ method: "GET", path: `/api/admin/users/${userId}` });
    const state = readState(answer.body);
    const places = state.isSuspended ? [] : await this.#places(userId); // whoever is suspended is on no board
    if (asked !== this.#asked) return false;
    this.#state = state;
    this.#draw(state, places);
    return true;
  }

  async #places(userId: string): Promise<readonly JsonObject[]> {
    const { body } = await this.#session.call({ method: "GET", path: `/api/scores/user/${userId}/boards` });
    return list(body["boards"], object);
  }

  async #refresh(): Promise<void> {
    if (!this.#state) return;
    try {
      await this.#read(this.#state.userId);
    } catch (error) {
      tell(this.#notice, error);
    }
  }

  async #reload(): Promise<void> {
    if (!this.#state) return;
    await this.#refresh();
    if (this.#state) await this.#events.show(this.#state.userId, named(this.#boards.values()));
  }

  #draw(state: State, places: readonly JsonObject[]): void {
    const heading = field(this.#root, "name");
    if (setText(heading, calledBy(state))) document.title = `${calledBy(state)} · ${document.title}`;
    this.#part("facts").replaceChildren(...facts(state));
    const deeds = this.#part("deeds");
    deeds.replaceChildren(...this.#deeds(state));
    const off = state.disqualifications.map((one) => this.#offRow(state, one));
    const ids = new Set(state.disqualifications.map((one) => one.board));
    const on = places.filter((place) => !ids.has(text(place["board"]))).map((place) => this.#placeRow(state, place));
    this.#part("places").replaceChildren(...on, ...off);
    this.#part("no-places").hidden = on.length + off.length > 0;
    this.#part("body").hidden = false;
  }

  #deeds(state: State): HTMLElement[] {
    const open = this.#choices((board) => ADDED_UP.includes(board.rule) && board.state === "open");
    const on = this.#choices((board) => !state.disqualifications.some((one) => one.board === board.boardId));
    const verb = state.isSuspended ? "Reinstate" : "Suspend";
    const made: HTMLElement[] = [];
    const add = (label: string, deed: () => Deed): void => {
      const one = button(label, calledBy(state), () => this.#dialog.open(deed()));
      made.push(make("span", { "data-key": `deed ${made.length}` }, one));
    };
    add(verb, () => this.#moderation(state, verb));
    if (open.length > 0) add("Adjust a score", () => this.#adjusting(state, open));
    if (on.length > 0) add("Disqualify from a board", () => this.#disqualifying(state, on));
    if (state.displayName !== null) add("Take the name away", () => this.#unnaming(state));
    return made;
  }

  #choices(isOne: (board: Board) => boolean): (readonly [string, string])[] {
    return named([...this.#boards.values()].filter((board) => board.state !== "archived" && isOne(board)));
  }

  #placeRow(state: State, place: JsonObject): HTMLElement {
    const id = text(place["board"]);
    const name = this.#named(id);
    const rank = `${number(integer(place["rank"]))} of ${number(integer(place["total"]))}`;
    const deed = (): void => this.#dialog.open(this.#disqualifying(state, [[id, name]]));
    return make(
      "tr",
      { "data-key": `board ${id}` },
      make("th", { scope: "row" }, name, make("small", {}, text(place["period"]))),
      make("td", { "data-label": "Score", class: "number" }, this.#score(id, integer(place["score"]))),
      make("td", { "data-label": "Rank", class: "number" }, rank),
      make("td", { class: "moves" }, button("Disqualify", `from ${name}`, deed)),
    );
  }

  #offRow(state: State, { board: id, at, reason }: State["disqualifications"][number]): HTMLElement {
    const name = this.#named(id);
    const deed = (): void => this.#dialog.open(this.#requalifying(state, id, name));
    const off = make("span", { class: "pill", "data-state": "void" }, "disqualified");
    const why = make("small", {}, `since ${moment(at)}: ${reason}`);
    return make(
      "tr",
      { "data-key": `board ${id}` },
      make("th", { scope: "row" }, name),
      make("td", { "data-label": "State", colspan: "2" }, off, why),
      make("td", { class: "moves" }, button("Requalify", `on ${name}`, deed)),
    );
  }

  #moderation(state: State, verb: string): Deed {
    const lead = state.isSuspended
      ? "They can log in again, and their entries are back, with all that was accepted before."
      : "Their sessions end, they cannot log in, and their entries leave every board. What they have is kept.";
    return this.#deed(`${verb} ${calledBy(state)}`, lead, verb, ["reason"], async ({ reason }) => {
      await this.#post(`/api/admin/users/${state.userId}/${verb.toLowerCase()}`, { reason });
      return `${calledBy(state)} is ${state.isSuspended ? "reinstated" : "suspended"}.`;
    });
  }

  #unnaming(state: State): Deed {
    const lead = `They are called ${state.username} on boards again, until they choose another name.`;
    return this.#deed(`Take away the name ${calledBy(state)}`, lead, "Take away", ["reason"], async ({ reason }) => {
      await this.#post(`/api/admin/users/${state.userId}/profile`, { displayName: null, reason });
      return `${state.username} has no other name now.`;
    });
  }

  #disqualifying(state: State, boards: readonly (readonly [string, string])[]): Deed {
    const lead = "Their entries leave this board, also what they score there later. The account is untouched.";
    const fields = ["board", "amendClosed", "reason"];
    const deed = this.#deed(`Disqualify ${calledBy(state)}`, lead, "Disqualify", fields, async (values) => {
      const { board = "", reason } = values;
      const body = { userId: state.userId, reason, amendClosed: values["amendClosed"] === "true" };
      await this.#post(`/api/admin/boards/${board}/disqualify`, body);
      return `${calledBy(state)} is off ${this.#named(board)}.`;
    });
    return { ...deed, boards };
  }

  #requalifying(state: State, board: string, name: string): Deed {
    const lead = "They are back on this board, with all that they have scored there meanwhile.";
    return this.#deed(`Requalify ${calledBy(state)} on ${name}`, lead, "Requalify", ["reason"], async ({ reason }) => {
      await this.#post(`/api/admin/boards/${board}/requalify`, { userId: state.userId, reason });
      return `${calledBy(state)} is back on ${name}.`;
    });
  }

  #adjusting(state: State, boards: readonly (readonly [string, string])[]): Deed {
    const pending = this.#pending.get(state.userId);
    const adjustment = pending ?? new Adjustment(state.userId, this.#session);
    return {
      title: `Adjust a score of ${calledBy(state)}`,
      lead: pending
        ? "It is unknown whether the last adjustment was carried out. It is tried again under its key, and counts once."
        : "It counts once, in the periods of now, and stands among the player's updates. Voiding it undoes it.",
      verb: "Adjust",
      fields: ["board", "amount", "second", "reason"],
      fieldsFor: (id) => ["board", "amount", ...(this.#boards.get(id)?.second ? ["second"] : []), "reason"],
      boards,
      values: adjustment.values,
      isFrozen: () => adjustment.isInDoubt,
      carryOut: async (values) => {
        this.#pending.set(state.userId, adjustment);
        try {
          const adjusted = await adjustment.send(values);
          const board = adjustment.values["board"] ?? "";
          const told = adjusted ? `${this.#score(board, adjusted.score)} now` : "accepted, and counted in a moment";
          void this.#reload();
          return `${calledBy(state)} on ${this.#named(board)}: ${told}.`;
        } finally {
          if (!adjustment.isInDoubt) this.#pending.delete(state.userId);
        }
      },
    };
  }

  /** A deed after which the player is read anew. */
  #deed(title: string, lead: string, verb: string, fields: string[], act: (values: Values) => Promise<string>): Deed {
    const carryOut = async (values: Values): Promise<string> => {
      const said = await act(values);
      await this.#refresh();
      return said;
    };
    return { title, lead, verb, fields, carryOut };
  }

  async #post(path: string, body: object): Promise<void> {
    await this.#session.call({ method: "POST", path, body: JSON.stringify(body) });
  }

  #score(board: string, value: number): string {
    return scoreText(value, this.#boards.get(board)?.format ?? "integer");
  }

  #named(id: string): string {
    const board = this.#boards.get(id);
    return board ? nameOf(board) : id;
  }

  #part(name: string): HTMLElement {
    return find(this.#root, `[data-part=${name}]`, HTMLElement);
  }
}

function named(boards: Iterable<Board>): (readonly [string, string])[] {
  return [...boards].map((board) => [board.boardId, nameOf(board)] as const);
}

function facts(state: State): HTMLElement[] {
  const since = state.suspendedAt === null ? "" : make("small", {}, ` since ${moment(state.suspendedAt)}`);
  const told: readonly (readonly [string, readonly (Node | string)[]])[] = [
    ["State", [...pills(state), since]],
    ["Username", [make("bdi", {}, state.username)]],
    ["User id", [state.userId]],
    ["Account", [`since ${moment(state.createdAt)}`]],
    ["On boards", [state.visibility, state.country === null ? "" : `, ${state.country}`]],
    ["Game's id", [state.externalIds.join(", ") || "none"]],
    ["Changes", [make("a", { href: address({ view: "audit", subject: state.userId }) }, "in the audit log")]],
  ];
  return told.map(([name, values]) => make("div", {}, make("dt", {}, name), make("dd", {}, ...values)));
}
