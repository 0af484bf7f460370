/** Tickets for the live socket, which tell the server whose it is, so that it sends the player's own place too. */
import { ApiError, NoAnswer } from "./api.js";
import { text } from "./json.js";
/** A ticket costs one of the requests that the player has for an hour, so only so many are asked for in a while. */
const MOST = 10;
const WHILE_MS = 10 * 60_000;
/** How many requests were made lately. Pure but for the clock, which comes in as an argument. */
export class Ration {
    #times = [];
    /** Take one, if there is one left. */
    take(now) {
        this.#times = this.#times.filter((time) => now - time < WHILE_MS);
        if (this.#times.length >= MOST)
            return false;
        this.#times.push(now);
        return true;
    }
    /** The last one was not used up. */
    giveBack() {
        this.#times.pop();
    }
}
export class Tickets {
    #session;
    #ration = new Ration();
    #wasGiven = false;
    constructor(session) {
        this.#session = session;
    }
    /** Whether the last one asked for was given. */
    get wasGiven() {
        return this.#wasGiven;
    }
    /** A ticket for one connection, or null: the board is public, and is shown without it as well. */
    async next() {
        const ticket = await this.#ask();
        this.#wasGiven = ticket !== null;
        return ticket;
    }
    async #ask() {
        if (!this.#session.player || !this.#ration.take(Date.now()))
            return null;
        try {
            const { body } = await this.#session.call({ method: "POST", path: "/api/auth/ticket" });
            return text(body["ticket"]);
        }
        catch (error) {
            if (error instanceof NoAnswer)
                this.#ration.giveBack(); // no server, no count
            if (error instanceof ApiError && error.status === 404)
                this.#spendAll(); // a server that has none
            return null;
        }
    }
    #spendAll() {
        while (this.#ration.take(Date.now()))
            ;
    }
}
