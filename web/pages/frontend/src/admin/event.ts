/** An update of a player as the ledger has it. Pure. */

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

function readVoid(value: unknown): Void {
  const told = object(value);
  return { at: text(told["at"]), reason: text(told["reason"]) };
}
