/** The way in for admins alone. The server holds that; here it is said at once, and no session of others is kept. */

import type { Entrance } from "../account.js";
import { Refusal } from "../sentences.js";
import type { Session } from "../session.js";

export const ADMIN = "admin";

export class AdminEntrance implements Entrance {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Throws a Refusal for an account that is no admin's, once its session has ended again. */
  async logIn(username: string, password: string): Promise<void> {
    await this.#session.logIn(username, password);
    if (this.#session.player?.role === ADMIN) return;
    await this.#session.logOut();
    throw new Refusal("This account is no admin's.");
  }
}
