/** The days of a player on a board: the rank and the score over time. */

import { LineChart } from "../chart.js";
import { find } from "../elements.js";
import { number } from "../format.js";
import { scoreText } from "../scores.js";
import type { Day } from "./player.js";

const TOGETHER = "days";

export class DaysView {
  readonly #root: HTMLElement;
  readonly #ranks: LineChart;
  #format = "integer";
  readonly #scores: LineChart;

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#ranks = new LineChart(find(root, "[data-part=ranks]", HTMLElement), {
      title: "Rank at the end of each day",
      write: (rank) => number(rank),
      isByDay: true,
      isWhole: true,
      isLeastOnTop: true,
      together: TOGETHER,
    });
    this.#scores = new LineChart(find(root, "[data-part=scores]", HTMLElement), {
      title: "Score at the end of each day",
      write: (score) => scoreText(Math.round(score), this.#format),
      isByDay: true,
      isWhole: true,
      isFromZero: false,
      together: TOGETHER,
    });
  }

  show(days: readonly Day[], format: string): void {
    this.#format = format;
    const at = days.map((day) => day.at);
    this.#ranks.show(at, at.length ? [{ label: "Rank", values: days.map(({ rank }) => rank) }] : []);
    this.#scores.show(at, at.length ? [{ label: "Score", values: days.map(({ score }) => score) }] : []);
    this.#root.hidden = false;
  }

  hide(): void {
    this.#root.hidden = true;
  }
}
