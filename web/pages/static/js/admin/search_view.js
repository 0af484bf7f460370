/** Looking for players: by a part of a name, by a user id, or by a game's own id. */
import { find } from "../elements.js";
import { make } from "./build.js";
import { PagedList, query, readPage } from "./paged.js";
import { calledBy, readPerson } from "./person.js";
import { address } from "./routes.js";
import { moment } from "./words.js";
export class SearchView {
    #form;
    #list;
    constructor(root, session) {
        this.#form = find(root, "form", HTMLFormElement);
        this.#list = new PagedList(root, {
            ask: async (cursor) => {
                const sought = { q: this.#given("q"), externalId: this.#given("externalId") };
                const path = `/api/admin/players${query({ ...sought, cursor })}`;
                return readPage((await session.call({ method: "GET", path })).body, "players", readPerson);
            },
            draw: row,
            names: ["player", "players"],
        });
        this.#form.addEventListener("submit", (event) => {
            event.preventDefault();
            void this.#list.load();
        });
    }
    async show() {
        await this.#list.load();
    }
    clear() {
        this.#form.reset();
        this.#list.clear();
    }
    #given(name) {
        return find(this.#form, `[name=${name}]`, HTMLInputElement).value.trim();
    }
}
function row(person) {
    const href = address({ view: "player", subject: person.userId });
    const link = make("a", { href }, make("bdi", {}, calledBy(person)));
    const handle = make("span", { class: "handle" }, `@${person.username}`);
    return make("tr", { "data-key": person.userId }, make("th", { scope: "row" }, link, " ", person.displayName === null ? "" : handle), make("td", { "data-label": "State" }, ...pills(person)), make("td", { "data-label": "Game's id" }, ...person.externalIds.map((id) => make("div", {}, id))), make("td", { "data-label": "Since", class: "time" }, moment(person.createdAt)));
}
/** How a player stands, at a glance. */
export function pills(person) {
    const state = person.isSuspended ? "suspended" : "active";
    const told = [make("span", { class: "pill", "data-state": state }, state)];
    if (person.role === "admin")
        told.push(make("small", {}, "admin"));
    if (person.visibility !== "named")
        told.push(make("small", {}, person.visibility));
    return told;
}
