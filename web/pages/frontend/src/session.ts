/** Who plays in this tab: the grant of the last login, kept fresh, and requests made in its name. */

import { type Answer, ApiError, type Call, call, isPassing } from "./api.js";
import { backoff, pause } from "./backoff.js";
import { type JsonObject, integer, object, orNull, text } from "./json.js";

/** An access token is renewed this long before its end, so that none ends on its way. */
const MARGIN_MS = 60_000;
const REFRESH_RETRIES = 3;

/** Codes after which a grant is worth nothing any more. */
const ENDED = new Set([
  "token_invalid",
  "token_revoked",
  "refresh_token_invalid",
  "refresh_token_reused",
  "account_suspended",
]);

export interface Player {
  readonly userId: string;
  readonly username: string;
  readonly role: string;
}

export interface Grant {
  readonly accessToken: string;
  readonly accessEndsAt: number;
  readonly refreshToken: string;
  readonly signingKey: string;
  readonly player: Player;
}

/** Where a grant is beside the memory of the page. */
export interface Grants {
  /** The grant that was kept, as JSON; null without one. */
  stored(): unknown;
  /** Keep a grant, in the place of the one whose refresh token it was made with, if there was one. */
  keep(grant: Grant, replaced: string | null): void;
  drop(): void;
  /** Hear of grants that another tab has replaced. */
  listen(heard: (replaced: string, grant: Grant) => void): void;
}

/** Why nobody plays here any more; `unheard`: signed out in this tab, while the server could not be told. */
export type Farewell = "left" | "unheard" | "ended" | "erased";

type ChangeListener = (player: Player | null, farewell: Farewell | null) => void;

/** Nobody is signed in, or no longer. */
export class SignedOut extends Error {}

export class Session {
  #grant: Grant | null;
  #refreshing: Promise<Grant> | null = null;
  readonly #onChange: ChangeListener;
  readonly #grants: Grants;

  constructor(onChange: ChangeListener, grants: Grants) {
    this.#onChange = onChange;
    this.#grants = grants;
    this.#grant = known(grants.stored());
    grants.listen((replaced, grant) => this.#adopt(replaced, grant));
  }

  get player(): Player | null {
    return this.#grant?.player ?? null;
  }

  get signingKey(): string {
    return this.#present().signingKey;
  }

  async logIn(username: string, password: string): Promise<void> {
    const body = JSON.stringify({ username, password });
    const answer = await call({ method: "POST", path: "/api/auth/login", body });
    this.#keep(readGrant(answer.body), null);
    this.#onChange(this.player, null);
  }

  /** Ends the session on the server, and here whatever the server says. */
  async logOut(): Promise<void> {
    try {
      await this.call({ method: "POST", path: "/api/auth/logout" });
      this.#drop("left");
    } catch (error) {
      if (!(error instanceof SignedOut)) this.#drop("unheard");
    }
  }

  /** The account is no more. */
  forget(): void {
    this.#drop("erased");
  }

  /** A request in the player's name. Throws SignedOut, ApiError or NoAnswer. */
  async call(request: Omit<Call, "token">): Promise<Answer> {
    const { accessToken } = await this.#fresh();
    try {
      return await call({ ...request, token: accessToken });
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "token_expired") throw this.#judged(error, accessToken);
    }
    const renewed = await this.#refresh(); // the token ended early by our clock
    try {
      return await call({ ...request, token: renewed.accessToken });
    } catch (error) {
      throw this.#judged(error, renewed.accessToken);
    }
  }

  #fresh(): Promise<Grant> {
    const grant = this.#present();
    return Date.now() < grant.accessEndsAt - MARGIN_MS ? Promise.resolve(grant) : this.#refresh();
  }

  /** One refresh at a time: a refresh token is good for one use. */
  #refresh(): Promise<Grant> {
    this.#refreshing ??= this.#renew(this.#present()).finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #renew(old: Grant): Promise<Grant> {
    const body = JSON.stringify({ refreshToken: old.refreshToken });
    try {
      const grant = readGrant((await insist(() => call({ method: "POST", path: "/api/auth/refresh", body }))).body);
      if (this.#grant?.refreshToken === old.refreshToken) this.#keep(grant, old.refreshToken);
      return this.#present();
    } catch (error) {
      throw this.#judged(error, old.accessToken);
    }
  }

  /** A duplicated tab has a copy of the grant: when one has spent the refresh token, the other takes its successor. */
  #adopt(replaced: string, grant: Grant): void {
    if (this.#grant?.refreshToken === replaced) this.#keep(grant, null);
  }

  /** The error to throw; a grant that the server has ended is dropped. */
  #judged(error: unknown, accessToken: string): unknown {
    if (!(error instanceof ApiError) || !ENDED.has(error.code)) return error;
    if (this.#grant?.accessToken === accessToken) this.#drop("ended");
    return new SignedOut(error.message);
  }

  #present(): Grant {
    if (!this.#grant) throw new SignedOut("Nobody is signed in.");
    return this.#grant;
  }

  #keep(grant: Grant, replaced: string | null): void {
    this.#grant = grant;
    this.#grants.keep(grant, replaced);
  }

  #drop(farewell: Farewell): void {
    this.#grant = null;
    this.#grants.drop();
    this.#onChange(null, farewell);
  }
}

/**
 * For some seconds a spent refresh token brings the same successor again, so an answer that was lost is asked for
 * at once; later it would look like theft and end the session.
 */
async function insist(ask: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error) || attempt === REFRESH_RETRIES) throw error;
      await pause(backoff(attempt, 500, 2_000));
    }
  }
}

function readGrant(body: JsonObject): Grant {
  return {
    accessToken: text(body["accessToken"]),
    accessEndsAt: Date.now() + integer(body["expiresIn"]) * 1000,
    refreshToken: text(body["refreshToken"]),
    signingKey: text(body["signingKey"]),
    player: readPlayer(body["user"]),
  };
}

function readPlayer(value: unknown): Player {
  const user = object(value);
  const role = orNull(user["role"], text) ?? "player"; // a grant that was kept by an earlier release has none
  return { userId: text(user["userId"]), username: text(user["username"]), role };
}

function known(stored: unknown): Grant | null {
  try {
    const grant = object(stored);
    return {
      accessToken: text(grant["accessToken"]),
      accessEndsAt: integer(grant["accessEndsAt"]),
      refreshToken: text(grant["refreshToken"]),
      signingKey: text(grant["signingKey"]),
      player: readPlayer(grant["player"]),
    };
  } catch {
    return null;
  }
}
