/** Sending one score update so that it counts once, however often it has to be sent. */
import { ApiError, NoAnswer, isInDoubt, isPassing } from "./api.js";
import { backoff, pause } from "./backoff.js";
import * as clock from "./clock.js";
import { integer, object, orNull } from "./json.js";
import { newIdempotencyKey, signature } from "./signing.js";
import { readStanding } from "./standing.js";
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;
/** Then the player is asked. */
const GIVE_UP_AFTER_MS = 60_000;
/** The server takes timestamps of the last 300 s; an older body is dated and signed anew, under its old key. */
const BODY_LASTS_MS = 240_000;
const RECEIPT_WAITS_MS = [500, 1_000, 2_000, 4_000, 8_000];
/** One press of a button. Its key stays the same through every attempt, which is what makes them one. */
export class Press {
    actionId;
    #session;
    userId;
    #idempotencyKey = newIdempotencyKey();
    #body = "";
    #dated = -Infinity;
    #isUncertain = false;
    constructor(actionId, userId, session) {
        this.actionId = actionId;
        this.userId = userId;
        this.#session = session;
    }
    /** Whether an attempt was left without an answer and so may have counted, whatever a later one was told. */
    get mayHaveCounted() {
        return this.#isUncertain;
    }
    /**
     * Send it until there is an answer, and return that; null if it is accepted and not applied yet.
     *
     * `onWait` hears of every attempt that failed. Throws SignedOut, ApiError, or NoAnswer after a minute of trying;
     * `send` may then be called again.
     */
    async send(onWait) {
        const deadline = Date.now() + GIVE_UP_AFTER_MS;
        for (let attempt = 0;; attempt += 1) {
            try {
                return await this.#attempt();
            }
            catch (error) {
                const wait = this.#wait(error, attempt);
                if (wait === null || Date.now() + wait > deadline)
                    throw error;
                if (wait > 0)
                    onWait(error);
                await pause(wait);
            }
        }
    }
    async #attempt() {
        if (Date.now() - this.#dated > BODY_LASTS_MS)
            await this.#sign();
        const answer = await this.#session.call({ method: "POST", path: "/api/scores/update", body: this.#body });
        if (answer.status === 202)
            return this.#receipt();
        return readApplied(answer.body, answer.isReplay && this.#isUncertain);
    }
    /** What became of an accepted update, asked for a few times. */
    async #receipt() {
        for (const wait of RECEIPT_WAITS_MS) {
            await pause(wait);
            const path = `/api/scores/updates/${this.#idempotencyKey}`;
            const { status, body } = await this.#session.call({ method: "GET", path });
            if (body["status"] === "refused")
                throw new ApiError(status, object(body["error"]), null);
            if (body["status"] === "applied")
                return readApplied(body, false);
        }
        return null;
    }
    async #sign() {
        const timestamp = new Date(clock.now()).toISOString();
        const claim = { userId: this.userId, actionId: this.actionId, timestamp, idempotencyKey: this.#idempotencyKey };
        this.#body = JSON.stringify({ ...claim, signature: await signature(claim, this.#session.signingKey) });
        this.#dated = Date.now();
    }
    /** Milliseconds until the next attempt; null if there is no use in one. */
    #wait(error, attempt) {
        if (error instanceof ApiError && error.serverTime !== null && attempt === 0) {
            clock.learn(error.serverTime);
            this.#dated = -Infinity;
            return 0;
        }
        const isLimited = error instanceof ApiError && error.status === 429;
        if (!isPassing(error) && !(isLimited && this.#isUncertain))
            return null;
        this.#isUncertain ||= isInDoubt(error);
        const asked = error instanceof ApiError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
        return Math.max(asked, backoff(attempt, FIRST_WAIT_MS, LONGEST_WAIT_MS));
    }
}
function readApplied(body, isReplay) {
    return {
        points: integer(object(body["update"])["points"]),
        standing: readStanding(object(body["entry"])),
        previousRank: orNull(body["previousRank"], integer),
        isReplay,
    };
}
