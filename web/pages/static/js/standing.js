/** Where the player of this tab stands, also below the rows that are shown. Touches nothing outside. */
import { integer, orNull, text } from "./json.js";
export function readStanding(entry) {
    return {
        score: integer(entry["score"]),
        rank: orNull(entry["rank"], integer),
        lastUpdated: orNull(entry["lastUpdated"], text),
        listedAs: orNull(entry["listedAs"], text),
    };
}
/** What was told of one player in each period, by the period's id. */
export class Standings {
    #told = new Map();
    #wanted = new Set();
    /** Whether to ask where the player stands: once. */
    wants(periodId) {
        const isNew = !this.#wanted.has(periodId);
        this.#wanted.add(periodId);
        return isNew;
    }
    learn(periodId, standing) {
        this.#told.set(periodId, later(this.#told.get(periodId) ?? null, standing));
    }
    in(periodId) {
        return this.#told.get(periodId) ?? null;
    }
}
/** The later of two; ISO 8601 instants of one form compare as text. */
function later(known, told) {
    return known && (known.lastUpdated ?? "") > (told.lastUpdated ?? "") ? known : told;
}
/**
 * What is known by an answer, brought up to date by the board.
 *
 * Whoever is not on a newer list stands below it, so an old rank is corrected at least that far.
 */
export function current(known, board, userId) {
    const isNewer = board !== null && board.at >= (known?.lastUpdated ?? "");
    if (!isNewer)
        return known;
    const listedAs = known?.listedAs ?? null;
    const entry = board.entries.find((one) => one.userId === (listedAs ?? userId));
    if (entry)
        return { score: entry.score, rank: entry.rank, lastUpdated: entry.lastUpdated, listedAs };
    if (known === null || known.rank === null)
        return known;
    return { ...known, rank: Math.max(known.rank, board.entries.length + 1) };
}
