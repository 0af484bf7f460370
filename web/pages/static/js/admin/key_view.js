/** The API keys, without their secrets. They are made, rotated and revoked on the command line. */
import { list, orNull, text } from "../json.js";
import { make } from "./build.js";
import { PagedList, readPage } from "./paged.js";
import { moment } from "./words.js";
export class KeyView {
    #list;
    constructor(root, session) {
        this.#list = new PagedList(root, {
            ask: async () => {
                const { body } = await session.call({ method: "GET", path: "/api/admin/keys" });
                return readPage(body, "keys", (key) => key);
            },
            draw: row,
            names: ["key", "keys"],
        });
    }
    async show() {
        await this.#list.load();
    }
    clear() {
        this.#list.clear();
    }
}
function row(key) {
    const id = text(key["keyId"]);
    const revokedAt = orNull(key["revokedAt"], text);
    const previousUntil = orNull(key["previousUntil"], text);
    const actions = orNull(key["actions"], (value) => list(value, text));
    const realm = make("small", {}, `realm ${text(key["realm"])}`);
    const state = revokedAt === null ? "active" : "revoked";
    return make("tr", { "data-key": id }, make("th", { scope: "row" }, text(key["name"]), make("small", {}, id)), make("td", { "data-label": "State" }, make("span", { class: "pill", "data-state": state }, state), revokedAt === null ? "" : make("small", {}, moment(revokedAt)), previousUntil === null ? "" : make("small", {}, `the secret before signs until ${moment(previousUntil)}`)), make("td", { "data-label": "May" }, list(key["scopes"], text).join(", "), realm), make("td", { "data-label": "Actions" }, actions === null ? "all" : actions.join(", ")), make("td", { "data-label": "Made", class: "time" }, moment(text(key["createdAt"]))));
}
