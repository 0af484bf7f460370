/** The final places of a player, the newest first; more of them at a press. */
import { find, make, setText } from "../elements.js";
import { number } from "../format.js";
import { list, orNull, text } from "../json.js";
import { DEFAULT_BOARD, addressOf } from "../root.js";
import { scoreText } from "../scores.js";
import { sentence } from "../sentences.js";
import { readPlacement } from "./player.js";
const AT_ONCE = 20;
export class PlacementsView {
    #root;
    #rows;
    #empty;
    #more;
    #said;
    #names;
    #ask;
    #cursor = null;
    constructor(root, names, ask) {
        this.#root = root;
        this.#rows = find(root, "[data-part=rows]", HTMLTableSectionElement);
        this.#empty = find(root, "[data-part=empty]", HTMLElement);
        this.#more = find(root, "[data-part=more]", HTMLButtonElement);
        this.#said = find(root, "[data-part=said]", HTMLElement);
        this.#names = names;
        this.#ask = ask;
        this.#more.addEventListener("click", () => void this.load());
    }
    /** Show the next of them. */
    async load() {
        const query = new URLSearchParams({ limit: String(AT_ONCE) });
        if (this.#cursor !== null)
            query.set("cursor", this.#cursor);
        try {
            const { body } = await this.#ask(`placements?${query}`);
            const placements = list(body["placements"], readPlacement);
            const first = this.#rows.rows.length;
            this.#rows.append(...placements.map((placement) => this.#row(placement)));
            this.#cursor = orNull(body["nextCursor"], text);
            setText(this.#said, first > 0 ? `${number(placements.length)} more` : "");
            if (first > 0)
                this.#rows.rows[first]?.querySelector("a")?.focus();
        }
        catch (error) {
            setText(this.#said, sentence(error));
        }
        this.#more.hidden = this.#cursor === null;
        const isEmpty = this.#rows.rows.length === 0;
        this.#empty.hidden = !isEmpty || this.#said.textContent !== "";
        find(this.#root, "table", HTMLTableElement).hidden = isEmpty;
        this.#root.hidden = false;
    }
    #row({ board, period, rank, total, score }) {
        const row = make("tr", {});
        if (rank <= 3)
            row.dataset["medal"] = String(rank);
        const link = make("a", { href: addressOfPeriod(board, period) }, period);
        row.append(make("th", { scope: "row" }, link, make("small", {}, this.#names.titleOf(board))), make("td", { class: "number" }, make("strong", {}, number(rank)), " ", make("small", {}, `of ${number(total)}`)), make("td", { class: "number" }, scoreText(score, this.#names.formatOf(board))));
        return row;
    }
}
/** The final list. */
function addressOfPeriod(board, period) {
    const address = addressOf(board === DEFAULT_BOARD ? "/" : `/b/${board}`);
    address.searchParams.set("period", period);
    return address.href;
}
