/** The achievements of a player. The section stays away where the player has none, or the service does not say. */
import { ApiError, NoAnswer } from "../api.js";
import { find, make } from "../elements.js";
import { number } from "../format.js";
import { readShelf, readTitles } from "./shelf.js";
export class ShelfView {
    #root;
    #ask;
    constructor(root, ask) {
        this.#root = root;
        this.#ask = ask;
    }
    async load(userId) {
        try {
            const { body } = await this.#ask(`/api/achievements/user/${userId}`);
            const needsTitles = Array.isArray(body["progress"]) && body["progress"].length > 0;
            const titles = needsTitles ? readTitles((await this.#ask("/api/achievements")).body) : new Map();
            const { unlocked, progress } = readShelf(body, titles);
            find(this.#root, "[data-part=unlocked]", HTMLElement).replaceChildren(...unlocked.map(trophy));
            find(this.#root, "[data-part=progress]", HTMLElement).replaceChildren(...progress.map(bar));
            this.#root.hidden = unlocked.length + progress.length === 0;
        }
        catch (error) {
            this.#root.hidden = true;
            if (!(error instanceof ApiError || error instanceof NoAnswer))
                throw error;
        }
    }
}
function trophy({ title, unlockedAt, scope }) {
    const when = make("time", { datetime: unlockedAt }, unlockedAt.slice(0, 10));
    return make("li", {}, make("strong", {}, title), " ", make("small", {}, scope === "" ? "" : `${scope} · `, when));
}
function bar({ title, steps, goal }) {
    const told = `${number(steps)} of ${number(goal)}`;
    const meter = make("progress", { value: String(steps), max: String(goal), "aria-label": title }, told);
    return make("li", {}, make("span", {}, title), " ", make("small", {}, told), meter);
}
