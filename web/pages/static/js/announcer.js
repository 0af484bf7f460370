/** News of the board for screen readers: only what matters, and never more often than it can be listened to. */
import { setText } from "./elements.js";
import { number, players } from "./format.js";
import { amount } from "./scores.js";
const INTERVAL_MS = 10_000;
/** What to say about the way from one scene to another: a new leader, and the player's own new rank. Pure. */
export function news(before, after) {
    if (isAnother(before, after))
        return introduction(after);
    const parts = [];
    const leader = after.board.entries[0];
    if (leader && leader.userId !== before.board.entries[0]?.userId) {
        parts.push(`${leader.username} leads with ${amount(leader.score)}.`);
    }
    const own = after.standing;
    if (own && own.rank !== null && own.rank !== before.standing?.rank) {
        parts.push(`You are number ${number(own.rank)} with ${amount(own.score)}.`);
    }
    return parts.join(" ");
}
export class Announcer {
    #region;
    #told = null;
    #latest = null;
    #rest;
    constructor(region) {
        this.#region = region;
    }
    /** Say at once what is new, or when the last sentence has had its time. Another list is worth an interruption. */
    look(scene) {
        this.#latest = scene;
        if (this.#rest === undefined || (this.#told && isAnother(this.#told, scene)))
            this.#tell();
    }
    #tell() {
        clearTimeout(this.#rest);
        this.#rest = undefined;
        const text = this.#told && this.#latest ? news(this.#told, this.#latest) : "";
        this.#told = this.#latest;
        if (text === "")
            return;
        setText(this.#region, text);
        this.#rest = setTimeout(() => this.#tell(), INTERVAL_MS);
    }
}
function isAnother(before, after) {
    return before.board.period !== after.board.period;
}
function introduction({ board, opening }) {
    const leader = board.entries[0];
    if (!leader)
        return `${opening}: nobody has scored yet.`;
    return `${opening}: ${players(board.total)}. ${leader.username} leads with ${amount(leader.score)}.`;
}
