/** The race below the list: asked for when it is opened, and while it is open again as snapshots are stored. */
import { call } from "./api.js";
import { find, setText } from "./elements.js";
import { sentence } from "./sentences.js";
/** As often as a board's snapshots are stored, unless the operator says otherwise. */
const EVERY_MS = 5 * 60_000;
const MOST_PLAYERS = 10;
export class RaceFold {
    #fold;
    #said;
    #chart;
    #session;
    #of;
    #periodId = "";
    #asked = 0;
    #timer;
    constructor(fold, session, of) {
        this.#fold = fold;
        this.#said = find(fold, "[data-part=said]", HTMLElement);
        this.#chart = find(fold, "[data-part=chart]", HTMLElement);
        this.#session = session;
        this.#of = of;
        fold.addEventListener("toggle", () => this.#turn());
        document.addEventListener("visibilitychange", () => this.#turn());
        if (location.hash === `#${fold.id}`)
            fold.open = true;
    }
    /** Show the race of this period, if it is open. */
    turnTo(periodId) {
        if (periodId === this.#periodId)
            return;
        this.#periodId = periodId;
        this.#turn();
    }
    #turn() {
        clearTimeout(this.#timer);
        if (!this.#fold.open || this.#periodId === "" || document.visibilityState === "hidden")
            return;
        this.#timer = setTimeout(() => this.#turn(), EVERY_MS);
        void this.#load();
    }
    async #load() {
        this.#asked += 1;
        const asked = this.#asked;
        const players = Math.min(this.#of.players, MOST_PLAYERS);
        const query = new URLSearchParams({ board: this.#of.boardId, period: this.#periodId, n: String(players) });
        try {
            const [{ RaceChart }, { body }] = await Promise.all([
                import("./past/race_chart.js"),
                this.#ask({ method: "GET", path: `/api/scores/race?${query}` }),
            ]);
            if (asked !== this.#asked)
                return;
            RaceChart.in(this.#chart).show(body);
            setText(this.#said, "");
        }
        catch (error) {
            if (asked === this.#asked)
                setText(this.#said, sentence(error));
        }
    }
    #ask(request) {
        return this.#session.player ? this.#session.call(request) : call(request);
    }
}
