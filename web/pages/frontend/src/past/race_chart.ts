/** The chart of a race. It is made anew only if another end of the scores leads. */

import { LineChart } from "../chart.js";
import type { JsonObject } from "../json.js";
import { score } from "../scores.js";
import { readRace } from "./race_lines.js";

const HEIGHT = 320;
const charts = new WeakMap<HTMLElement, RaceChart>();

export class RaceChart {
  readonly #root: HTMLElement;
  #chart: LineChart | null = null;
  #isLeastOnTop = false;

  private constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** The one chart of this element. */
  static in(root: HTMLElement): RaceChart {
    const chart = charts.get(root) ?? new RaceChart(root);
    charts.set(root, chart);
    return chart;
  }

  show(body: JsonObject): void {
    const { at, lines, isLeastOnTop } = readRace(body);
    this.#on(isLeastOnTop).show(at, lines);
  }

  #on(isLeastOnTop: boolean): LineChart {
    if (this.#chart && isLeastOnTop === this.#isLeastOnTop) return this.#chart;
    this.#chart?.destroy();
    this.#isLeastOnTop = isLeastOnTop;
    const options = { title: "The scores of those who lead now", write: score, isFromZero: false, height: HEIGHT };
    this.#chart = new LineChart(this.#root, { ...options, isLeastOnTop });
    return this.#chart;
  }
}
