/** What the table says of itself: whose list it is, of how many players, and until when. */
import * as clock from "./clock.js";
import { field, setText } from "./elements.js";
import { players } from "./format.js";
import { endOf, ending } from "./periods.js";
export class Caption {
    #limit;
    #title;
    #total;
    #ends;
    #when;
    /** The board's season as it was when the page was made, and its end in Unix ms: its id does not tell it. */
    #season;
    #seasonEnd;
    constructor(table, limit) {
        this.#limit = limit;
        this.#title = field(table, "title");
        this.#total = field(table, "total");
        this.#ends = field(table, "ends");
        this.#when = field(table, "when");
        this.#season = table.dataset["season"];
        this.#seasonEnd = Date.parse(table.dataset["seasonEnds"] ?? "");
    }
    show(board, { when }) {
        setText(this.#title, `Top ${this.#limit}${when && ` ${when}`}`);
        setText(this.#when, when && ` ${when}`);
        setText(this.#total, players(board.total));
        this.showEnding(board.period);
    }
    showEnding(periodId) {
        const end = periodId === this.#season ? this.#seasonEnd : endOf(periodId);
        setText(this.#ends, end === null ? "" : ending(end, clock.now()));
    }
}
