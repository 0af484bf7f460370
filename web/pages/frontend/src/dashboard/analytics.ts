/** What was played, read from the API. Pure. */

import type { Line } from "../chart_words.js";
import { type JsonObject, list, object, orNull, text } from "../json.js";
import { figure } from "./samples.js";

export interface Point {
  /** In Unix seconds. */
  readonly at: number;
  readonly activePlayers: number;
  readonly newPlayers: number;
  readonly updates: number;
  readonly refused: number;
  readonly points: number;
  readonly pointsTaken: number;
}

export interface Analytics {
  readonly series: readonly Point[];
  readonly actions: readonly JsonObject[];
  readonly refusals: readonly (readonly [string, number])[];
  readonly movers: readonly { readonly userId: string; readonly username: string; readonly points: number }[];
  readonly countedAt: string | null;
}

export function readAnalytics(body: JsonObject): Analytics {
  return {
    series: list(body["series"], (item) => readPoint(object(item))),
    actions: list(body["actions"], object),
    refusals: Object.entries(object(body["refusals"])).map(([code, count]) => [code, figure(count)]),
    movers: list(body["movers"], (item) => {
      const mover = object(item);
      return { userId: text(mover["userId"]), username: text(mover["username"]), points: figure(mover["points"]) };
    }),
    countedAt: orNull(body["countedAt"], text),
  };
}

export function lineOf(label: string, series: readonly Point[], value: (point: Point) => number): Line {
  return { label, values: series.map(value) };
}

/** The first day, `YYYY-MM-DD` in UTC, of so many that end with the day of this instant in ms. */
export function firstDay(days: number, now: number): string {
  return new Date(now - (days - 1) * 86_400_000).toISOString().slice(0, 10);
}

function readPoint(body: JsonObject): Point {
  return {
    at: Date.parse(text(body["at"])) / 1000,
    activePlayers: figure(body["activePlayers"]),
    newPlayers: figure(body["newPlayers"]),
    updates: figure(body["updates"]),
    refused: figure(body["refused"]),
    points: figure(body["points"]),
    pointsTaken: figure(body["pointsTaken"]),
  };
}
