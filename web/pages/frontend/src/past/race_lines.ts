/** The race of those who lead a board, as lines over the instants of all of them. Pure. */

import type { Line } from "../chart_words.js";
import { type JsonObject, integer, list, object, orNull, text } from "../json.js";

export interface Race {
  /** Unix seconds, rising. */
  readonly at: readonly number[];
  /** That of the leader first. */
  readonly lines: readonly Line[];
  /** Whether the least score leads. */
  readonly isLeastOnTop: boolean;
}

interface Way {
  readonly label: string;
  readonly scores: ReadonlyMap<number, number>;
}

export function readRace(body: JsonObject): Race {
  const ways = list(body["series"], readWay);
  const at = [...new Set(ways.flatMap(({ scores }) => [...scores.keys()]))].sort((one, other) => one - other);
  const lines = ways.map(({ label, scores }) => ({ label, values: at.map((instant) => scores.get(instant) ?? null) }));
  const ends = ways.map(({ scores }) => [...scores.values()].at(-1) ?? 0);
  return { at, lines, isLeastOnTop: (ends[0] ?? 0) < (ends.at(-1) ?? 0) };
}

function readWay(value: unknown): Way {
  const series = object(value);
  const label = orNull(series["displayName"], text) ?? text(series["username"]);
  return { label, scores: new Map(list(series["points"], readPoint)) };
}

function readPoint(value: unknown): readonly [number, number] {
  const point = object(value);
  return [Date.parse(text(point["at"])) / 1000, integer(point["score"])];
}
