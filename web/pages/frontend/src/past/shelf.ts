/** What a player has achieved, and how far they have come. Pure. */

import { readAchievements, readProgress, readUnlock } from "../achievements.js";
import { type JsonObject, list } from "../json.js";

export interface Trophy {
  readonly title: string;
  readonly unlockedAt: string;
  /** The period in which it was unlocked; empty where it is unlocked once. */
  readonly scope: string;
}

export interface Progress {
  readonly title: string;
  readonly steps: number;
  readonly goal: number;
}

export interface Shelf {
  /** The newest first. */
  readonly unlocked: readonly Trophy[];
  /** Told to the player alone. */
  readonly progress: readonly Progress[];
}

/** The titles of achievements by their ids, from the list of all of them. Secret ones have none. */
export function readTitles(body: JsonObject): ReadonlyMap<string, string> {
  return new Map(readAchievements(body).flatMap(({ id, title }) => (title === null ? [] : [[id, title] as const])));
}

export function readShelf(body: JsonObject, titles: ReadonlyMap<string, string>): Shelf {
  const titleOf = (id: string): string => titles.get(id) ?? id;
  const unlocked = list(body["unlocked"], readUnlock).map(({ achievementId, title, unlockedAt, scope }) => {
    return { title: title ?? titleOf(achievementId), unlockedAt, scope };
  });
  const progress = list(body["progress"] ?? [], readProgress).map(({ achievementId, steps, goal }) => {
    return { title: titleOf(achievementId), steps, goal };
  });
  return { unlocked: unlocked.sort((one, other) => other.unlockedAt.localeCompare(one.unlockedAt)), progress };
}
