/** A player as admins see them. Pure. */

import { type JsonObject, list, object, orNull, text } from "../json.js";

export interface Disqualification {
  readonly board: string;
  readonly at: string;
  readonly reason: string;
}

export interface Person {
  readonly userId: string;
  readonly username: string;
  readonly displayName: string | null;
  readonly role: string;
  readonly country: string | null;
  readonly visibility: string;
  /** `realm: id`, as the games know them. */
  readonly externalIds: readonly string[];
  readonly createdAt: string;
  readonly isSuspended: boolean;
}

/** All that decides how a player stands. */
export interface State extends Person {
  readonly suspendedAt: string | null;
  readonly disqualifications: readonly Disqualification[];
}

export function readPerson(body: JsonObject): Person {
  return {
    userId: text(body["userId"]),
    username: text(body["username"]),
    displayName: orNull(body["displayName"], text),
    role: text(body["role"]),
    country: orNull(body["country"], text),
    visibility: text(body["visibility"]),
    externalIds: list(body["externalIds"], readIdentity),
    createdAt: text(body["createdAt"]),
    isSuspended: body["suspended"] === true,
  };
}

export function readState(body: JsonObject): State {
  return {
    ...readPerson(body),
    suspendedAt: orNull(body["suspendedAt"], text),
    disqualifications: list(body["disqualifications"], readDisqualification),
  };
}

export function calledBy({ displayName, username }: Person): string {
  return displayName ?? username;
}

function readIdentity(value: unknown): string {
  const identity = object(value);
  return `${text(identity["realm"])}: ${text(identity["externalId"])}`;
}

function readDisqualification(value: unknown): Disqualification {
  const told = object(value);
  return { board: text(told["board"]), at: text(told["at"]), reason: text(told["reason"]) };
}
