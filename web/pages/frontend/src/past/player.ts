/** What the API tells of a player's past. Pure. */

import { type JsonObject, integer, list, object, orNull, text } from "../json.js";

export interface Person {
  readonly username: string;
  readonly displayName: string | null;
  readonly country: string | null;
  readonly avatar: number | null;
  readonly score: number;
  /** Null for who is not ranked. */
  readonly rank: number | null;
  readonly total: number;
  /** How others see the player, told to the player alone; empty for who is named. */
  readonly veil: string;
}

export interface Day {
  /** Unix seconds of its begin, in UTC. */
  readonly at: number;
  readonly score: number;
  readonly rank: number;
}

export interface Placement {
  readonly board: string;
  readonly period: string;
  readonly rank: number;
  readonly total: number;
  readonly score: number;
  readonly closedAt: string;
}

export function readPerson(place: JsonObject): Person {
  return {
    username: text(place["username"]),
    displayName: orNull(place["displayName"], text),
    country: orNull(place["country"], text),
    avatar: orNull(place["avatar"], integer),
    score: integer(place["score"]),
    rank: orNull(place["rank"], integer),
    total: integer(place["total"]),
    veil: veilOf(place),
  };
}

export function readDays(history: JsonObject): readonly Day[] {
  return list(history["points"], (value) => {
    const point = object(value);
    const at = Date.parse(`${text(point["day"])}T00:00:00Z`) / 1000;
    return { at, score: integer(point["score"]), rank: integer(point["rank"]) };
  });
}

export function readPlacement(value: unknown): Placement {
  const told = object(value);
  return {
    board: text(told["board"]),
    period: text(told["period"]),
    rank: integer(told["rank"]),
    total: integer(told["total"]),
    score: integer(told["score"]),
    closedAt: text(told["closedAt"]),
  };
}

/** The boards on which the player stands, by their ids. */
export function readBoards(body: JsonObject): readonly string[] {
  return list(body["boards"], (value) => text(object(value)["board"]));
}

function veilOf(place: JsonObject): string {
  if (place["listed"] === false) return "You are on no board, as you chose. Nobody but you and admins sees this page.";
  if (typeof place["listedAs"] === "string") {
    return "You stand on boards as Anonymous. Nobody but you and admins sees this page.";
  }
  return "";
}
