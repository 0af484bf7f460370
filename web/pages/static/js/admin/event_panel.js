/** A player's updates, the newest first, with what became of each. */
import { find } from "../elements.js";
import { gain } from "../format.js";
import { make } from "./build.js";
import { readEvent } from "./event.js";
import { PagedList, query, readPage } from "./paged.js";
import { asInstant, moment } from "./words.js";
export class EventPanel {
    #form;
    #list;
    #userId = "";
    constructor(root, session) {
        this.#form = find(root, "form", HTMLFormElement);
        this.#list = new PagedList(root, {
            ask: async (cursor) => {
                const path = `/api/scores/user/${this.#userId}/events${query({ ...this.#filters(), cursor })}`;
                return readPage((await session.call({ method: "GET", path })).body, "events", readEvent);
            },
            draw: row,
            names: ["update", "updates"],
        });
        this.#form.addEventListener("submit", (event) => {
            event.preventDefault();
            void this.#list.load();
        });
    }
    async show(userId, boards) {
        this.#userId = userId;
        const select = find(this.#form, "select", HTMLSelectElement);
        const chosen = select.value;
        select.replaceChildren(new Option("All boards", ""), ...boards.map(([id, name]) => new Option(name, id)));
        select.value = boards.some(([id]) => id === chosen) ? chosen : "";
        await this.#list.load();
    }
    clear() {
        this.#form.reset();
        this.#list.clear();
    }
    #filters() {
        const given = new FormData(this.#form);
        const at = (name) => asInstant(String(given.get(name) ?? ""));
        return { board: String(given.get("board") ?? ""), from: at("from"), to: at("to") };
    }
}
function row(event) {
    const id = make("small", {}, `update ${event.eventId}`);
    const second = event.second === 0 ? "" : make("small", {}, `second ${gain(event.second)}`);
    const source = event.source === null || event.source === "player" ? "" : make("small", {}, `by ${event.source}`);
    return make("tr", { "data-key": `event ${event.eventId}` }, make("th", { scope: "row", class: "time" }, moment(event.acceptedAt), id), make("td", { "data-label": "Action" }, event.actionId, source), make("td", { "data-label": "Worth", class: "number" }, gain(event.points), second), make("td", { "data-label": "Counts on" }, ...countsOn(event)));
}
function countsOn(event) {
    if (event.refusal !== null) {
        const why = event.refusal.replaceAll("_", " ");
        return [make("span", { class: "pill", "data-state": "refused" }, "refused"), make("small", {}, why)];
    }
    if (event.void === null)
        return [event.boards.join(", ") || "no board"];
    const why = `since ${moment(event.void.at)}: ${event.void.reason}`;
    return [make("span", { class: "pill", "data-state": "void" }, "void"), make("small", {}, why)];
}
