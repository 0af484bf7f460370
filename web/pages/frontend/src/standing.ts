/** Where the player of this tab stands, also below the rows that are shown. Touches nothing outside. */

import type { Board } from "./board.js";
import { type JsonObject, integer, orNull, text } from "./json.js";

export interface Standing {
  readonly score: number;
  /** Null for a player who has not scored. */
  readonly rank: number | null;
  readonly lastUpdated: string | null;
  /** The id of the player's row, if it is not their own. */
  readonly listedAs: string | null;
}

export function readStanding(entry: JsonObject): Standing {
  return {
    score: integer(entry["score"]),
    rank: orNull(entry["rank"], integer),
    lastUpdated: orNull(entry["lastUpdated"], text),
    listedAs: orNull(entry["listedAs"], text),
  };
}

/** What was told of one player in each period, by the period's id. */
export class Standings {
  readonly #told = new Map<string, Standing>();
  readonly #wanted = new Set<string>();

  /** Whether to ask where the player stands: once. */
  wants(periodId: string): boolean {
    const isNew = !this.#wanted.has(periodId);
    this.#wanted.add(periodId);
    return isNew;
  }

  learn(periodId: string, standing: Standing): void {
    this.#told.set(periodId, later(this.#told.get(periodId) ?? null, standing));
  }

  in(periodId: string): Standing | null {
    return this.#told.get(periodId) ?? null;
  }
}

/** The later of two; ISO 8601 instants of one form compare as text. */
function later(known: Standing | null, told: Standing): Standing {
  return known && (known.lastUpdated ?? "") > (told.lastUpdated ?? "") ? known : told;
}

/**
 * What is known by an answer, brought up to date by the board.
 *
 * Whoever is not on a newer list stands below it, so an old rank is corrected at least that far.
 */
export function current(known: Standing | null, board: Board | null, userId: string): Standing | null {
  const isNewer = board !== null && board.at >= (known?.lastUpdated ?? "");
  if (!isNewer) return known;
  const listedAs = known?.listedAs ?? null;
  const entry = board.entries.find((one) => one.userId === (listedAs ?? userId));
  if (entry) return { score: entry.score, rank: entry.rank, lastUpdated: entry.lastUpdated, listedAs };
  if (known === null || known.rank === null) return known;
  return { ...known, rank: Math.max(known.rank, board.entries.length + 1) };
}
