/** What a player has achieved, and how far they have come. Pure. */

import { type JsonObject, integer, list, object, orNull, text } from "../json.js";

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
  const titles = list(body["achievements"], (value) => {
    const told = object(value);
    return [text(told["id"]), orNull(told["title"], text)] as const;
  });
  return new Map(titles.flatMap(([id, title]) => (title === null ? [] : [[id, title] as const])));
}

export function readShelf(body: JsonObject, titles: ReadonlyMap<string, string>): Shelf {
  const titleOf = (told: JsonObject): string => {
    const id = text(told["achievementId"]);
    return orNull(told["title"], text) ?? titles.get(id) ?? id;
  };
  const unlocked = list(body["unlocked"], (value) => {
    const told = object(value);
    return { title: titleOf(told), unlockedAt: text(told["unlockedAt"]), scope: orNull(told["scope"], text) ?? "" };
  });
  const progress = list(body["progress"] ?? [], (value) => {
    const told = object(value);
    return { title: titleOf(told), steps: integer(told["steps"]), goal: integer(told["goal"]) };
  });
  return { unlocked: [...unlocked].sort((one, other) => compare(other.unlockedAt, one.unlockedAt)), progress };
}

/** ISO 8601 instants of one form compare as text. */
function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
