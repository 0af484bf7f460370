/** An update of a player as the ledger has it, and what a correction changes. Pure. */

import { type JsonObject, integer, list, object, orNull, text } from "../json.js";

export interface Void {
  readonly at: string;
  readonly reason: string;
}

export interface PlayerEvent {
  readonly eventId: string;
  readonly actionId: string;
  readonly points: number;
  readonly second: number;
  readonly acceptedAt: string;
  readonly boards: readonly string[];
  readonly refusal: string | null;
  readonly void: Void | null;
  readonly source: string | null;
}

/** A score before and after a correction, null where nothing counts; the ranks are told by a dry run alone. */
export interface Moved {
  readonly board: string;
  readonly period: string;
  readonly scores: readonly [number | null, number | null];
  readonly ranks: readonly [number | null, number | null];
}

export function readEvent(body: JsonObject): PlayerEvent {
  return {
    eventId: text(body["eventId"]),
    actionId: text(body["actionId"]),
    points: integer(body["points"]),
    second: integer(body["second"]),
    acceptedAt: text(body["acceptedAt"]),
    boards: list(body["boards"], text),
    refusal: orNull(body["refusal"], text),
    void: orNull(body["void"], readVoid),
    source: orNull(body["source"], text),
  };
}

export function readVoid(value: unknown): Void {
  const told = object(value);
  return { at: text(told["at"]), reason: text(told["reason"]) };
}

export function readMoved(value: unknown): Moved {
  const told = object(value);
  return {
    board: text(told["board"]),
    period: text(told["period"]),
    scores: [orNull(told["scoreBefore"], integer), orNull(told["scoreAfter"], integer)],
    ranks: [orNull(told["rankBefore"], integer), orNull(told["rankAfter"], integer)],
  };
}
