/** How many places players have gained since yesterday: beside their rank, whenever no newer move is shown there. */

import * as clock from "./clock.js";
import { field, setText } from "./elements.js";
import { number } from "./format.js";

const ALL_TIME = "all";
const DAY_CHARACTERS = "2026-11-27".length;

export class Movement {
  /** The ranks of yesterday by user id, as the server knew them when it rendered the page. */
  readonly #yesterday: ReadonlyMap<string, number>;
  readonly #day = (document.documentElement.dataset["now"] ?? "").slice(0, DAY_CHARACTERS);

  constructor(periodId: string, rows: ReadonlyMap<string, HTMLTableRowElement>) {
    const known = periodId === ALL_TIME ? [...rows].filter(([, row]) => row.dataset["yesterday"]) : [];
    this.#yesterday = new Map(known.map(([userId, row]) => [userId, Number(row.dataset["yesterday"])]));
  }

  show(row: HTMLTableRowElement, periodId: string): void {
    const before = this.#yesterday.get(row.dataset["userId"] ?? "");
    const isKnown = periodId === ALL_TIME && before !== undefined && dayOf(clock.now()) === this.#day;
    const places = isKnown ? before - Number(row.dataset["rank"]) : 0;
    setText(field(row, "since"), spoken(places));
    const moved = field(row, "moved");
    moved.onanimationend = () => {
      moved.classList.remove("is-fresh");
      write(moved, places);
    };
    if (!moved.classList.contains("is-fresh")) write(moved, places);
  }
}

/** `▲2` for two places gained, `▼1` for one lost; nothing for none. */
export function arrow(places: number): string {
  return places === 0 ? "" : `${places > 0 ? "▲" : "▼"}${number(Math.abs(places))}`;
}

export function direction(places: number): string {
  return places > 0 ? "up" : "down";
}

/** What is read out behind a rank. */
export function spoken(places: number): string {
  return places === 0 ? "" : `, ${direction(places)} ${number(Math.abs(places))} since yesterday`;
}

function write(moved: HTMLElement, places: number): void {
  moved.classList.toggle("is-of-day", places !== 0);
  moved.dataset["direction"] = direction(places);
  setText(moved, arrow(places));
}

function dayOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, DAY_CHARACTERS);
}
