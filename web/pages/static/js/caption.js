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
    #seasons;
    constructor(table, limit, seasons) {
        this.#limit = limit;
        this.#seasons = seasons;
        this.#title = field(table, "title");
        this.#total = field(table, "total");
        this.#ends = field(table, "ends");
        this.#when = field(table, "when");
    }
    show(board, { when }) {
        setText(this.#title, `Top ${this.#limit}${when && ` ${when}`}`);
        setText(this.#when, when && ` ${when}`);
        setText(this.#total, players(board.total));
        this.showEnding(board.period);
    }
    showEnding(periodId) {
        const end = this.#seasons.find(periodId)?.ends ?? endOf(periodId);
        setText(this.#ends, end === null ? "" : ending(end, clock.now()));
    }
}
