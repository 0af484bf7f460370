/** The live socket: keeps one board up to date, and itself connected. */

import { backoff } from "./backoff.js";
import { type Board, next, version } from "./board.js";
import { type Frame, parseFrame } from "./frames.js";

/** The server is heard at least every 25 s; after this long without it the connection is dead, whatever TCP says. */
const SILENCE_MS = 40_000;
const PATIENCE_MS = 5_000;
const FIRST_WAIT_MS = 600;
const LONGEST_WAIT_MS = 20_000;
/** After this many tries in a row it is no hiccup any more. */
const TRIES_UNTIL_OFFLINE = 5;

export type Connection = "connecting" | "live" | "reconnecting" | "offline";

export interface Listener {
  onBoard(board: Board): void;
  onConnection(connection: Connection): void;
}

export class Live {
  readonly #address: URL;
  readonly #listener: Listener;
  #socket: WebSocket | null = null;
  #board: Board | null = null;
  #askedAt: number | null = null;
  #failures = 0;
  #retry: number | undefined;
  #watchdog: number | undefined;

  constructor(address: URL, listener: Listener) {
    this.#address = address;
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
    this.#connect();
  }

  #connect(): void {
    const address = new URL(this.#address);
    if (this.#board) address.searchParams.set("since", version(this.#board));
    const socket = new WebSocket(address);
    this.#socket = socket;
    this.#askedAt = null;
    this.#watch();
    socket.addEventListener("message", (event) => socket === this.#socket && this.#hear(event.data));
    socket.addEventListener("close", () => socket === this.#socket && this.#lose());
  }

  #hear(message: unknown): void {
    this.#watch();
    this.#failures = 0;
    this.#listener.onConnection("live");
    const frame = parseFrame(message);
    if (frame) this.#apply(frame);
  }

  #apply(frame: Frame): void {
    if (frame.type === "hb" || frame.type === "rollover") return; // after a rollover a snapshot comes by itself
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
    const isOffline = !navigator.onLine || this.#failures >= TRIES_UNTIL_OFFLINE;
    this.#listener.onConnection(isOffline ? "offline" : "reconnecting");
    this.#retry = setTimeout(() => this.#reconnectNow(), backoff(this.#failures, FIRST_WAIT_MS, LONGEST_WAIT_MS));
    this.#failures += 1;
  }

  #reconnectNow(): void {
    this.#abandon();
    this.#connect();
  }

  /** Let go of the socket without waiting for its goodbye, which a dead connection never gives. */
  #abandon(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    this.#retry = undefined;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
