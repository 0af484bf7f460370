/** The top list and how each frame of the live socket changes it. Pure. */

import type { Season } from "./seasons.js";

export interface Entry {
  readonly userId: string;
  readonly username: string;
  readonly displayName: string | null;
  readonly country: string | null;
  readonly avatar: number | null;
  readonly score: number;
  readonly rank: number;
  readonly lastUpdated: string;
}

export interface Board {
  /** The period's id, never its name: `2026-11-23`, not `daily`. */
  readonly period: string;
  readonly epoch: string;
  readonly seq: number;
  /** When the newest change on the list was committed. */
  readonly at: string;
  readonly limit: number;
  readonly total: number;
  /** The season that is shown, or else the one that is open on the board. */
  readonly season: Season | null;
  readonly entries: readonly Entry[];
}

export interface Snapshot extends Board {
  readonly type: "snapshot";
}

export interface Delta {
  readonly type: "delta";
  readonly epoch: string;
  readonly from: number;
  readonly seq: number;
  readonly at: string;
  readonly total: number;
  readonly entries: readonly Entry[];
  readonly removed: readonly string[];
}

export interface Resumed {
  readonly type: "resumed";
  readonly epoch: string;
  readonly seq: number;
  readonly season: Season | null;
}

/**
 * The board after a frame, or null if the frame does not follow from this board: then only a snapshot helps.
 *
 * What the frames promise is checked, not believed: a list with a gap in its ranks is never shown.
 */
export function next(board: Board | null, frame: Snapshot | Delta | Resumed): Board | null {
  switch (frame.type) {
    case "snapshot": {
      const { period, epoch, seq, at, limit, total, season, entries } = frame;
      return { period, epoch, seq, at, limit, total, season, entries };
    }
    case "resumed":
      return board && board.epoch === frame.epoch && board.seq === frame.seq ? { ...board, season: frame.season } : null;
    case "delta":
      return board && board.epoch === frame.epoch && board.seq === frame.from ? merged(board, frame) : null;
  }
}

/** What a player is called on the list. */
export function nameOf(entry: Entry): string {
  return entry.displayName ?? entry.username;
}

/** Whether an id on the list stands for somebody who is not named: no page is theirs. */
export function isStandIn(userId: string): boolean {
  return userId[14] === "8"; // the version of the UUID
}

/** The ids of players in view whose name another one has, too: their usernames tell them apart. */
export function doubled(entries: readonly Entry[]): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const entry of entries) counts.set(nameOf(entry), (counts.get(nameOf(entry)) ?? 0) + 1);
  const isDoubled = (entry: Entry): boolean => entry.displayName !== null && (counts.get(nameOf(entry)) ?? 0) > 1;
  return new Set(entries.filter(isDoubled).map((entry) => entry.userId));
}

/** What a viewer tells the server to be resumed at. */
export function version(board: Board): string {
  return `${board.epoch}:${board.seq}`;
}

function merged(board: Board, delta: Delta): Board | null {
  const byUser = new Map(board.entries.map((entry) => [entry.userId, entry]));
  for (const userId of delta.removed) byUser.delete(userId);
  for (const entry of delta.entries) byUser.set(entry.userId, entry);
  const entries = [...byUser.values()].sort((one, other) => one.rank - other.rank);
  const isWhole = entries.length === Math.min(board.limit, delta.total);
  const isRanked = entries.every((entry, index) => entry.rank === index + 1);
  return isWhole && isRanked ? { ...board, seq: delta.seq, at: delta.at, total: delta.total, entries } : null;
}
