/** Who plays in this tab: the grant of the last login, kept fresh, and requests made in its name. */
import { ApiError, call, isPassing } from "./api.js";
import { backoff, pause } from "./backoff.js";
import { integer, object, orNull, text } from "./json.js";
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
/** Nobody is signed in, or no longer. */
export class SignedOut extends Error {
}
export class Session {
    #grant;
    #refreshing = null;
    #onChange;
    #grants;
    constructor(onChange, grants) {
        this.#onChange = onChange;
        this.#grants = grants;
        this.#grant = known(grants.stored());
        grants.listen((replaced, grant) => this.#adopt(replaced, grant));
    }
    get player() {
        return this.#grant?.player ?? null;
    }
    get signingKey() {
        return this.#present().signingKey;
    }
    async logIn(username, password) {
        const body = JSON.stringify({ username, password });
        const answer = await call({ method: "POST", path: "/api/auth/login", body });
        this.#keep(readGrant(answer.body), null);
        this.#onChange(this.player, null);
    }
    /** Ends the session on the server, and here whatever the server says. */
    async logOut() {
        try {
            await this.call({ method: "POST", path: "/api/auth/logout" });
            this.#drop("left");
        }
        catch (error) {
            if (!(error instanceof SignedOut))
                this.#drop("unheard");
        }
    }
    /** The account is no more. */
    forget() {
        this.#drop("erased");
    }
    /** A request in the player's name. Throws SignedOut, ApiError or NoAnswer. */
    async call(request) {
        const { accessToken } = await this.#fresh();
        try {
            return await call({ ...request, token: accessToken });
        }
        catch (error) {
            if (!(error instanceof ApiError) || error.code !== "token_expired")
                throw this.#judged(error, accessToken);
        }
        const renewed = await this.#refresh(); // the token ended early by our clock
        try {
            return await call({ ...request, token: renewed.accessToken });
        }
        catch (error) {
            throw this.#judged(error, renewed.accessToken);
        }
    }
    #fresh() {
        const grant = this.#present();
        return Date.now() < grant.accessEndsAt - MARGIN_MS ? Promise.resolve(grant) : this.#refresh();
    }
    /** One refresh at a time: a refresh token is good for one use. */
    #refresh() {
        this.#refreshing ??= this.#renew(this.#present()).finally(() => (this.#refreshing = null));
        return this.#refreshing;
    }
    async #renew(old) {
        const body = JSON.stringify({ refreshToken: old.refreshToken });
        try {
            const grant = readGrant((await insist(() => call({ method: "POST", path: "/api/auth/refresh", body }))).body);
            if (this.#grant?.refreshToken === old.refreshToken)
                this.#keep(grant, old.refreshToken);
            return this.#present();
        }
        catch (error) {
            throw this.#judged(error, old.accessToken);
        }
    }
    /** A duplicated tab has a copy of the grant: when one has spent the refresh token, the other takes its successor. */
    #adopt(replaced, grant) {
        if (this.#grant?.refreshToken === replaced)
            this.#keep(grant, null);
    }
    /** The error to throw; a grant that the server has ended is dropped. */
    #judged(error, accessToken) {
        if (!(error instanceof ApiError) || !ENDED.has(error.code))
            return error;
        if (this.#grant?.accessToken === accessToken)
            this.#drop("ended");
        return new SignedOut(error.message);
    }
    #present() {
        if (!this.#grant)
            throw new SignedOut("Nobody is signed in.");
        return this.#grant;
    }
    #keep(grant, replaced) {
        this.#grant = grant;
        this.#grants.keep(grant, replaced);
    }
    #drop(farewell) {
        this.#grant = null;
        this.#grants.drop();
        this.#onChange(null, farewell);
    }
}
/**
 * For some seconds a spent refresh token brings the same successor again, so an answer that was lost is asked for
 * at once; later it would look like theft and end the session.
 */
async function insist(ask) {
    for (let attempt = 0;; attempt += 1) {
        try {
            return await ask();
        }
        catch (error) {
            if (!isPassing(error) || attempt === REFRESH_RETRIES)
                throw error;
            await pause(backoff(attempt, 500, 2_000));
        }
    }
}
function readGrant(body) {
    return {
        accessToken: text(body["accessToken"]),
        accessEndsAt: Date.now() + integer(body["expiresIn"]) * 1000,
        refreshToken: text(body["refreshToken"]),
        signingKey: text(body["signingKey"]),
        player: readPlayer(body["user"]),
    };
}
function readPlayer(value) {
    const user = object(value);
    const role = orNull(user["role"], text) ?? "player"; // a grant that was kept by an earlier release has none
    return { userId: text(user["userId"]), username: text(user["username"]), role };
}
function known(stored) {
    try {
        const grant = object(stored);
        return {
            accessToken: text(grant["accessToken"]),
            accessEndsAt: integer(grant["accessEndsAt"]),
            refreshToken: text(grant["refreshToken"]),
            signingKey: text(grant["signingKey"]),
            player: readPlayer(grant["player"]),
        };
    }
    catch {
        return null;
    }
}
