/** The seasons of the board, whose ids tell neither when they end nor what they are called. */

import { ShapeError, list, object, text } from "./json.js";

/** What the ids of their periods begin with. */
export const SEASON_ID = "s-";

export interface Season {
  /** The period's id: `s-spring-2026`. */
  readonly period: string;
  /** What people call it. */
  readonly label: string;
  /** When it ends, in Unix ms. */
  readonly ends: number;
}

/** A season in the words of the service. */
export function readSeason(value: unknown): Season {
  const { period: id, title, endsAt } = object(value);
  const period = text(id);
  const ends = Date.parse(text(endsAt));
  if (!Number.isFinite(ends)) throw new ShapeError("not an instant");
  return { period, label: text(title) || period.slice(SEASON_ID.length), ends };
}

/** What is known of them: at first what the page was made with, and then what the live socket tells, which is newer. */
export class Seasons {
  readonly #known = new Map<string, Season>();

  /** From the JSON that the page has, if its board has seasons. */
  constructor(told: string | undefined) {
    for (const season of list(JSON.parse(told || "[]"), readSeason)) this.learn(season);
  }

  learn(season: Season | null): void {
    if (season) this.#known.set(season.period, season);
  }

  find(period: string): Season | null {
    return this.#known.get(period) ?? null;
  }
}
