/** The chart of a race. It is made anew only if another end of the scores leads. */
import { LineChart } from "../chart.js";
import { score } from "../scores.js";
import { readRace } from "./race_lines.js";
const HEIGHT = 320;
const charts = new WeakMap();
export class RaceChart {
    #root;
    #chart = null;
    #isLeastOnTop = false;
    constructor(root) {
        this.#root = root;
    }
    /** The one chart of this element. */
    static in(root) {
        const chart = charts.get(root) ?? new RaceChart(root);
        charts.set(root, chart);
        return chart;
    }
    show(body) {
        const { at, lines, isLeastOnTop } = readRace(body);
        this.#on(isLeastOnTop).show(at, lines);
    }
    #on(isLeastOnTop) {
        if (this.#chart && isLeastOnTop === this.#isLeastOnTop)
            return this.#chart;
        this.#chart?.destroy();
        this.#isLeastOnTop = isLeastOnTop;
        const options = { title: "The scores of those who lead now", write: score, isFromZero: false, height: HEIGHT };
        this.#chart = new LineChart(this.#root, { ...options, isLeastOnTop });
        return this.#chart;
    }
}
