/** The seasons of the board, whose ids tell neither when they end nor what they are called. */
import { ShapeError, list, object, text } from "./json.js";
/** What the ids of their periods begin with. */
export const SEASON_ID = "s-";
/** A season in the words of the service. */
export function readSeason(value) {
    const { period: id, title, endsAt } = object(value);
    const period = text(id);
    const ends = Date.parse(text(endsAt));
    if (!Number.isFinite(ends))
        throw new ShapeError("not an instant");
    return { period, label: text(title) || period.slice(SEASON_ID.length), ends };
}
/** What is known of them: at first what the page was made with, and then what the live socket tells, which is newer. */
export class Seasons {
    #known = new Map();
    /** From the JSON that the page has, if its board has seasons. */
    constructor(told) {
        for (const season of list(JSON.parse(told || "[]"), readSeason))
            this.learn(season);
    }
    learn(season) {
        if (season)
            this.#known.set(season.period, season);
    }
    find(period) {
        return this.#known.get(period) ?? null;
    }
}
