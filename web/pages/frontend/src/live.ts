/** The live socket: keeps one board up to date, and itself connected. */

import type { Unlock } from "./achievements.js";
import { backoff } from "./backoff.js";
import { type Board, next, version } from "./board.js";
import { type Frame, parseFrame } from "./frames.js";
import { isWithoutAPart } from "./readiness.js";
import type { Standing } from "./standing.js";

/** The server is heard at least every 25 s; after this long without it the connection is dead, whatever TCP says. */
const SILENCE_MS = 40_000;
const PATIENCE_MS = 5_000;
const FIRST_WAIT_MS = 600;
const LONGEST_WAIT_MS = 20_000;
/** One loss is a restart, after which everybody at once would ask. */
const TRIES_UNTIL_ASKED = 2;
/** After this many tries in a row it is no hiccup any more. */
const TRIES_UNTIL_OFFLINE = 5;

/**
 * `waiting`: the server is there and cannot read the board now, so it refuses the socket.
 * `signed-out`: only players may watch, and nobody is signed in, so it is not even asked for.
 */
export type Connection = "connecting" | "live" | "reconnecting" | "waiting" | "offline" | "signed-out";

/** Who watches. */
export interface Visitor {
  /** Whether the server lets this visitor in at all, with a ticket if they can have one. */
  mayWatch(): boolean;
  /** A ticket for one connection; asked for before each. */
  ticket(): Promise<string | null>;
}

export interface Listener {
  onBoard(board: Board): void;
  /** Where the player stands on the board shown. Comes only on a socket that was opened with a ticket. */
  onStanding(standing: Standing): void;
  /** All that the player has achieved, and each thing as it comes. On such a socket alone, too. */
  onUnlocks(ids: readonly string[]): void;
  onUnlock(unlock: Unlock): void;
  onConnection(connection: Connection): void;
}

export class Live {
  readonly #address: URL;
  readonly #visitor: Visitor;
  readonly #listener: Listener;
  #period: string;
  #socket: WebSocket | null = null;
  #attempt = 0;
  #board: Board | null = null;
  #askedAt: number | null = null;
  #failures = 0;
  #isRefused = false;
  #retry: number | undefined;
  #watchdog: number | undefined;

  constructor(address: URL, period: string, visitor: Visitor, listener: Listener) {
    this.#address = address;
    this.#period = period;
    this.#visitor = visitor;
    this.#listener = listener;
  }

  /** Connect, and come back whenever the connection is lost or the network returns. */
  start(): void {
    window.addEventListener("online", () => this.#reconnectNow());
    window.addEventListener("offline", () => this.#lose());
    window.addEventListener("pagehide", () => this.#abandon());
    window.addEventListener("pageshow", (event) => event.persisted && this.#reconnectNow());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && this.#retry !== undefined) this.#reconnectNow();
    });
    this.#listener.onConnection("connecting");
    void this.#connect();
  }

  /** Show this period from now on, from a snapshot; also the way to show the same one to somebody else. */
  watch(period: string): void {
    this.#period = period;
    this.#board = null;
    this.#reconnectNow();
  }

  async #connect(): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    if (!this.#visitor.mayWatch()) {
      this.#listener.onConnection("signed-out"); // until `watch` is called for somebody else
      return;
    }
    this.#watch();
    const ticket = await this.#visitor.ticket();
    if (attempt !== this.#attempt) return;
    const socket = new WebSocket(this.#addressWith(ticket));
    this.#socket = socket;
    this.#askedAt = null;
    socket.addEventListener("message", (event) => socket === this.#socket && this.#hear(event.data));
    socket.addEventListener("close", () => socket === this.#socket && this.#lose());
  }

  #addressWith(ticket: string | null): URL {
    const address = new URL(this.#address);
    address.searchParams.set("period", this.#period);
    if (this.#board) address.searchParams.set("since", version(this.#board));
    if (ticket !== null) address.searchParams.set("ticket", ticket);
    return address;
  }

  #hear(message: unknown): void {
    this.#watch();
    this.#failures = 0;
    this.#isRefused = false;
    this.#listener.onConnection("live");
    const frame = parseFrame(message);
    if (frame) this.#apply(frame);
  }

  #apply(frame: Frame): void {
    if (frame.type === "hb" || frame.type === "rollover") return; // after a rollover a snapshot comes by itself
    if (frame.type === "achievements") return this.#listener.onUnlocks(frame.unlocked);
    if (frame.type === "achievement") return this.#listener.onUnlock(frame.unlock);
    if (frame.type === "me") {
      if (this.#board) this.#listener.onStanding(frame.standing);
      return;
    }
    const board = this.#askedAt !== null && frame.type !== "snapshot" ? null : next(this.#board, frame);
    if (board === null) {
      this.#ask();
      return;
    }
    this.#askedAt = null;
    this.#board = board;
    this.#listener.onBoard(board);
  }

  /** Ask for a snapshot. What comes before it is not looked at, and the question not repeated at every frame. */
  #ask(): void {
    const now = performance.now();
    if (this.#askedAt !== null && now - this.#askedAt < PATIENCE_MS) return;
    this.#askedAt = now;
    this.#socket?.send(JSON.stringify({ type: "resync" }));
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#lose(), SILENCE_MS);
  }

  #lose(): void {
    this.#abandon();
    this.#tell();
    this.#retry = setTimeout(() => this.#reconnectNow(), backoff(this.#failures, FIRST_WAIT_MS, LONGEST_WAIT_MS));
    this.#failures += 1;
    if (this.#failures >= TRIES_UNTIL_ASKED) void this.#askWhy();
  }

  /** Whether it is the server's trouble rather than the way to it. */
  async #askWhy(): Promise<void> {
    const failures = this.#failures;
    const isRefused = await isWithoutAPart();
    if (this.#failures === 0 || this.#failures !== failures) return; // too late: something was heard, or lost again
    this.#isRefused = isRefused;
    this.#tell();
  }

  #tell(): void {
    if (!navigator.onLine) this.#listener.onConnection("offline");
    else if (this.#isRefused) this.#listener.onConnection("waiting");
    else this.#listener.onConnection(this.#failures > TRIES_UNTIL_OFFLINE ? "offline" : "reconnecting");
  }

  #reconnectNow(): void {
    this.#abandon();
    void this.#connect();
  }

  /** Let go of the socket without waiting for its goodbye, which a dead connection never gives. */
  #abandon(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    this.#retry = undefined;
    this.#attempt += 1;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
