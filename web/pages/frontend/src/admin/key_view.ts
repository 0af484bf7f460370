/** The API keys, without their secrets. They are made, rotated and revoked on the command line. */

import { type JsonObject, list, orNull, text } from "../json.js";
import type { Session } from "../session.js";
import { make } from "./build.js";
import { PagedList, readPage } from "./paged.js";
import { moment } from "./words.js";

export class KeyView {
  readonly #list: PagedList<JsonObject>;

  constructor(root: HTMLElement, session: Session) {
    this.#list = new PagedList(root, {
      ask: async () => {
        const { body } = await session.call({ method: "GET", path: "/api/admin/keys" });
        return readPage(body, "keys", (key) => key);
      },
      draw: row,
      names: ["key", "keys"],
    });
  }

  async show(): Promise<void> {
    await this.#list.load();
  }

  clear(): void {
    this.#list.clear();
  }
}

function row(key: JsonObject): HTMLElement {
  const id = text(key["keyId"]);
  const revokedAt = orNull(key["revokedAt"], text);
  const previousUntil = orNull(key["previousUntil"], text);
  const actions = orNull(key["actions"], (value) => list(value, text));
  const realm = make("small", {}, `realm ${text(key["realm"])}`);
  const state = revokedAt === null ? "active" : "revoked";
  return make(
    "tr",
    { "data-key": id },
    make("th", { scope: "row" }, text(key["name"]), make("small", {}, id)),
    make(
      "td",
      { "data-label": "State" },
      make("span", { class: "pill", "data-state": state }, state),
      revokedAt === null ? "" : make("small", {}, moment(revokedAt)),
      previousUntil === null ? "" : make("small", {}, `the secret before signs until ${moment(previousUntil)}`),
    ),
    make("td", { "data-label": "May" }, list(key["scopes"], text).join(", "), realm),
    make("td", { "data-label": "Actions" }, actions === null ? "all" : actions.join(", ")),
    make("td", { "data-label": "Made", class: "time" }, moment(text(key["createdAt"]))),
  );
}
