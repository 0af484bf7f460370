/** The boards among which the page of a player switches: those on which the player stands. */
import { make } from "../elements.js";
export class BoardNames {
    #select;
    #all;
    /** Takes over the options that the server rendered: every board that is listed. */
    constructor(select, chosen) {
        this.#select = select;
        this.#all = [...select.options];
        this.offer([], chosen);
    }
    get chosen() {
        return this.#select.value;
    }
    titleOf(boardId) {
        return this.#find(boardId)?.textContent ?? boardId;
    }
    /** How the scores of a board are written. */
    formatOf(boardId) {
        return this.#find(boardId)?.dataset["format"] ?? "integer";
    }
    /** Whether the board keeps the days of players; of one that is on no list it is not known. */
    mayHaveHistory(boardId) {
        return this.#find(boardId)?.dataset["history"] !== "no";
    }
    /** Offer these boards, and the one that is chosen. */
    offer(boardIds, chosen = this.chosen) {
        const offered = [...new Set([...boardIds, chosen])];
        const listed = this.#all.filter(({ value }) => offered.includes(value));
        const others = offered.filter((id) => !this.#find(id)).map((id) => make("option", { value: id }, id));
        this.#select.replaceChildren(...listed, ...others);
        this.#select.value = chosen;
    }
    #find(boardId) {
        return this.#all.find(({ value }) => value === boardId);
    }
}
