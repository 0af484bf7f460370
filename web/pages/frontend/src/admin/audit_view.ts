/** The audit log: who changed what, to whom or what, and when. */

import { find } from "../elements.js";
import { type JsonObject, object, orNull, text } from "../json.js";
import type { Session } from "../session.js";
import { make } from "./build.js";
import { PagedList, query, readPage } from "./paged.js";
import { address } from "./routes.js";
import { moment, told } from "./words.js";

const USER_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const LONGEST_UNFOLDED = 120;
const FILTERS = ["subject", "actor", "action"] as const;

export class AuditView {
  readonly #form: HTMLFormElement;
  readonly #list: PagedList<JsonObject>;

  constructor(root: HTMLElement, session: Session) {
    this.#form = find(root, "form", HTMLFormElement);
    this.#list = new PagedList(root, {
      ask: async (cursor) => {
        const filters = Object.fromEntries(FILTERS.map((name) => [name, this.#input(name).value.trim()]));
        const path = `/api/admin/audit${query({ ...filters, cursor })}`;
        return readPage((await session.call({ method: "GET", path })).body, "entries", (entry) => entry);
      },
      draw: row,
      names: ["change", "changes"],
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#list.load();
    });
  }

  /** Show all of it, or what was done to one. */
  async show(subject: string): Promise<void> {
    if (subject !== "") this.#input("subject").value = subject;
    await this.#list.load();
  }

  clear(): void {
    this.#form.reset();
    this.#list.clear();
  }

  #input(name: string): HTMLInputElement {
    return find(this.#form, `[name=${name}]`, HTMLInputElement);
  }
}

function row(entry: JsonObject): HTMLElement {
  const { reason, ...details } = object(entry["details"]);
  return make(
    "tr",
    { "data-key": `change ${text(entry["id"])}` },
    make("th", { scope: "row", class: "time" }, moment(text(entry["at"]))),
    make("td", { "data-label": "Who", class: "time" }, linked(text(entry["actor"]))),
    make("td", { "data-label": "What", class: "time" }, text(entry["action"]).replaceAll("_", " ")),
    make("td", { "data-label": "To" }, linked(text(entry["subject"]))),
    make("td", { "data-label": "Details" }, orNull(reason, text) ?? "", ...folded(told(details))),
  );
}

/** What is long is folded. */
function folded(sentence: string): Node[] {
  if (sentence === "") return [];
  if (sentence.length <= LONGEST_UNFOLDED) return [make("small", {}, sentence)];
  return [make("details", {}, make("summary", {}, "what changed"), make("small", {}, sentence))];
}

/** An id of a user leads to the player; its beginning is enough to tell it from others. */
function linked(id: string): Node {
  if (!USER_ID.test(id)) return make("span", {}, id);
  const link = { href: address({ view: "player", subject: id }), title: id, "aria-label": `player ${id}` };
  return make("a", link, `${id.slice(0, 8)}…`);
}
