/** What the table says of itself: whose list it is, of how many players, and until when. */

import type { Board } from "./board.js";
import * as clock from "./clock.js";
import { field, setText } from "./elements.js";
import { players } from "./format.js";
import { endOf, ending } from "./periods.js";
import type { Seasons } from "./seasons.js";
import type { PeriodChoice } from "./switcher.js";

export class Caption {
  readonly #limit: number;
  readonly #title: HTMLElement;
  readonly #total: HTMLElement;
  readonly #ends: HTMLElement;
  readonly #when: HTMLElement;
  readonly #seasons: Seasons;

  constructor(table: HTMLTableElement, limit: number, seasons: Seasons) {
    this.#limit = limit;
    this.#seasons = seasons;
    this.#title = field(table, "title");
    this.#total = field(table, "total");
    this.#ends = field(table, "ends");
    this.#when = field(table, "when");
  }

  show(board: Board, { when }: PeriodChoice): void {
    setText(this.#title, `Top ${this.#limit}${when && ` ${when}`}`);
    setText(this.#when, when && ` ${when}`);
    setText(this.#total, players(board.total));
    this.showEnding(board.period);
  }

  showEnding(periodId: string): void {
    const end = this.#seasons.find(periodId)?.ends ?? endOf(periodId);
    setText(this.#ends, end === null ? "" : ending(end, clock.now()));
  }
}
