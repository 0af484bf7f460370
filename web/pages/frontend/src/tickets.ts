/** Tickets for the live socket, which tell the server whose it is, so that it sends the player's own place too. */

import { ApiError, NoAnswer } from "./api.js";
import { text } from "./json.js";
import type { Session } from "./session.js";

/** A ticket costs one of the requests that the player has for an hour, so only so many are asked for in a while. */
const MOST = 10;
const WHILE_MS = 10 * 60_000;

/** How many requests were made lately. Pure but for the clock, which comes in as an argument. */
export class Ration {
  #times: number[] = [];

  /** Take one, if there is one left. */
  take(now: number): boolean {
    this.#times = this.#times.filter((time) => now - time < WHILE_MS);
    if (this.#times.length >= MOST) return false;
    this.#times.push(now);
    return true;
  }

  /** The last one was not used up. */
  giveBack(): void {
    this.#times.pop();
  }
}

export class Tickets {
  readonly #session: Session;
  readonly #ration = new Ration();
  #wasGiven = false;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Whether the last one asked for was given. */
  get wasGiven(): boolean {
    return this.#wasGiven;
  }

  /** A ticket for one connection, or null: the board is public, and is shown without it as well. */
  async next(): Promise<string | null> {
    const ticket = await this.#ask();
    this.#wasGiven = ticket !== null;
    return ticket;
  }

  async #ask(): Promise<string | null> {
    if (!this.#session.player || !this.#ration.take(Date.now())) return null;
    try {
      const { body } = await this.#session.call({ method: "POST", path: "/api/auth/ticket" });
      return text(body["ticket"]);
    } catch (error) {
      if (error instanceof NoAnswer) this.#ration.giveBack(); // no server, no count
      if (error instanceof ApiError && error.status === 404) this.#spendAll(); // a server that has none
      return null;
    }
  }

  #spendAll(): void {
    while (this.#ration.take(Date.now()));
  }
}
