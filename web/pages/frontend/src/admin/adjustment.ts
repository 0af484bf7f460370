/** One adjustment of a score. Its key stays the same until the outcome is known, so that it counts once. */

import { type Answer, ApiError, isInDoubt } from "../api.js";
import { pause } from "../backoff.js";
import { type JsonObject, integer, list, object, orNull, text } from "../json.js";
import type { Session } from "../session.js";
import { newIdempotencyKey } from "../signing.js";
import type { Values } from "./deed.js";

const RECEIPT_WAITS_MS = [500, 1_000, 2_000, 4_000] as const;

/** What became of the score; null while it is accepted and not applied yet. */
export interface Adjusted {
  readonly score: number;
  readonly rank: number | null;
}

export class Adjustment {
  readonly userId: string;
  readonly #session: Session;
  #key = newIdempotencyKey();
  #values: Values = {};
  #body = "";
  #isInDoubt = false;

  constructor(userId: string, session: Session) {
    this.userId = userId;
    this.#session = session;
  }

  /** Whether an attempt is on its way or may have been carried out. Then it is sent again as it was, no other. */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /** What was sent last. */
  get values(): Values {
    return this.#values;
  }

  /** Send it, or send it again. Throws as `Session.call` does. */
  async send(values: Values): Promise<Adjusted | null> {
    const wasInDoubt = this.#isInDoubt;
    if (!wasInDoubt) this.#write(values);
    this.#isInDoubt = true; // until the outcome is known
    let isAnswered = false;
    try {
      const path = `/api/admin/users/${this.userId}/adjust`;
      const answer = await this.#session.call({ method: "POST", path, body: this.#body });
      isAnswered = true;
      const applied = answer.status === 202 ? await this.#receipt() : answer.body;
      this.#isInDoubt = false;
      return applied && readAdjusted(applied, text(object(JSON.parse(this.#body))["board"]));
    } catch (error) {
      this.#judge(error, wasInDoubt || isAnswered);
      throw error;
    }
  }

  #write(values: Values): void {
    this.#values = values;
    const { board, amount = "", second = "", reason } = values;
    const numbers = { amount: asNumber(amount), ...(second === "" ? {} : { second: asNumber(second) }) };
    this.#body = JSON.stringify({ board, ...numbers, reason, idempotencyKey: this.#key });
  }

  /** What is refused for good has spent its key; the next attempt is another one. */
  #judge(error: unknown, mayBeDone: boolean): void {
    this.#isInDoubt = mayBeDone || isInDoubt(error);
    const isRefused = error instanceof ApiError && error.status < 500 && error.status !== 401 && error.status !== 429;
    if (!isRefused) return;
    this.#isInDoubt = false;
    this.#key = newIdempotencyKey();
  }

  async #receipt(): Promise<JsonObject | null> {
    const path = `/api/scores/updates/${this.#key}?userId=${this.userId}`;
    for (const wait of RECEIPT_WAITS_MS) {
      await pause(wait);
      const { status, body }: Answer = await this.#session.call({ method: "GET", path });
      if (body["status"] === "refused") throw new ApiError(status, object(body["error"]), null);
      if (body["status"] === "applied") return body;
    }
    return null;
  }
}

/** A number for the server to judge; what is none goes there as it is, and is refused in its words. */
function asNumber(written: string): number | string {
  return /^[+-]?\d+$/.test(written) ? Number(written) : written;
}

function readAdjusted(body: JsonObject, board: string): Adjusted | null {
  const entries = list(body["entries"] ?? [], object);
  const entry = entries.find((one) => one["board"] === board);
  return entry ? { score: integer(entry["score"]), rank: orNull(entry["rank"], integer) } : null;
}
