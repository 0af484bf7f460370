/** A player's updates, the newest first: each can be made void, or count again. */

import { find } from "../elements.js";
import { gain } from "../format.js";
import { list, orNull } from "../json.js";
import type { Session } from "../session.js";
import { button, make } from "./build.js";
import type { DeedDialog, Values } from "./deed.js";
import { type PlayerEvent, readEvent, readMoved, readVoid } from "./event.js";
import { PagedList, query, readPage } from "./paged.js";
import { asEnd, asInstant, moment } from "./words.js";

export class EventPanel {
  readonly #session: Session;
  readonly #dialog: DeedDialog;
  readonly #form: HTMLFormElement;
  readonly #list: PagedList<PlayerEvent>;
  readonly #onChange: () => void;
  #userId = "";

  /** `onChange` hears of every correction. */
  constructor(root: HTMLElement, session: Session, dialog: DeedDialog, onChange: () => void) {
    this.#session = session;
    this.#dialog = dialog;
    this.#onChange = onChange;
    this.#form = find(root, "form", HTMLFormElement);
    this.#list = new PagedList(root, {
      ask: async (cursor) => {
        const path = `/api/scores/user/${this.#userId}/events${query({ ...this.#filters(), cursor })}`;
        return readPage((await session.call({ method: "GET", path })).body, "events", readEvent);
      },
      draw: (event) => this.#row(event),
      names: ["update", "updates"],
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#list.load();
    });
  }

  async show(userId: string, boards: readonly (readonly [string, string])[]): Promise<void> {
    this.#userId = userId;
    const select = find(this.#form, "select", HTMLSelectElement);
    const chosen = select.value;
    select.replaceChildren(new Option("All boards", ""), ...boards.map(([id, name]) => new Option(name, id)));
    select.value = boards.some(([id]) => id === chosen) ? chosen : "";
    await this.#list.load();
  }

  clear(): void {
    this.#form.reset();
    this.#list.clear();
  }

  #filters(): Record<string, string | null> {
    const given = new FormData(this.#form);
    const of = (name: string): string => String(given.get(name) ?? "");
    return { board: of("board"), from: asInstant(of("from")), to: asEnd(of("to")) };
  }

  #row(event: PlayerEvent): HTMLElement {
    const id = make("small", {}, `update ${event.eventId}`);
    const second = event.second === 0 ? "" : make("small", {}, `second ${gain(event.second)}`);
    const source = event.source === null || event.source === "player" ? "" : make("small", {}, `by ${event.source}`);
    return make(
      "tr",
      { "data-key": `event ${event.eventId}` },
      make("th", { scope: "row", class: "time" }, moment(event.acceptedAt), id),
      make("td", { "data-label": "Action" }, event.actionId, source),
      make("td", { "data-label": "Worth", class: "number" }, gain(event.points), second),
      make("td", { "data-label": "Counts on" }, ...countsOn(event)),
      make("td", { class: "moves" }, ...(event.refusal === null ? [this.#button(event)] : [])),
    );
  }

  #button(event: PlayerEvent): HTMLButtonElement {
    const isVoid = event.void !== null;
    const about = `update ${event.eventId}, ${event.actionId}`;
    return button(isVoid ? "Restore" : "Void", about, () => {
      this.#dialog.open({
        title: isVoid ? `Restore update ${event.eventId}` : `Void update ${event.eventId}`,
        lead: isVoid
          ? `${event.actionId}, ${gain(event.points)}: it counts again, in closed periods as it was made void.`
          : `${event.actionId}, ${gain(event.points)}: it counts nowhere from now on, and can be restored.`,
        verb: isVoid ? "Restore" : "Void",
        fields: isVoid ? ["reason"] : ["amendClosed", "reason"],
        carryOut: (values) => this.#correct(event, isVoid ? "restore" : "void", values),
      });
    });
  }

  async #correct(event: PlayerEvent, how: "void" | "restore", values: Values): Promise<string> {
    const amends = how === "void" ? { amendClosed: values["amendClosed"] === "true" } : {};
    const body = JSON.stringify({ reason: values["reason"], ...amends });
    const path = `/api/admin/events/${event.eventId}/${how}`;
    const answer = (await this.#session.call({ method: "POST", path, body })).body;
    const corrected = { ...event, void: orNull(answer["void"], readVoid) };
    this.#list.replace(`event ${event.eventId}`, corrected);
    this.#onChange();
    const changed = list(answer["standings"], readMoved).length;
    return `Update ${event.eventId} ${corrected.void ? "counts no more" : "counts"}; ${scores(changed)} changed.`;
  }
}

/** `1 score`, `3 scores`. */
export function scores(count: number): string {
  return count === 1 ? "1 score" : `${count === 0 ? "no" : count} scores`;
}

function countsOn(event: PlayerEvent): (Node | string)[] {
  if (event.refusal !== null) {
    const why = event.refusal.replaceAll("_", " ");
    return [make("span", { class: "pill", "data-state": "refused" }, "refused"), make("small", {}, why)];
  }
  if (event.void === null) return [event.boards.join(", ") || "no board"];
  const why = `since ${moment(event.void.at)}: ${event.void.reason}`;
  return [make("span", { class: "pill", "data-state": "void" }, "void"), make("small", {}, why)];
}
