/** Frames of `WS /ws/scoreboard` as they come off the wire. */
import { readUnlock } from "./achievements.js";
import { ShapeError, integer, list, object, orNull, text } from "./json.js";
import { readSeason } from "./seasons.js";
import { readStanding } from "./standing.js";
/**
 * The frame in a message, or null for one that this page does not know.
 *
 * A damaged frame is null too: the next delta will then not follow, and a snapshot is asked for.
 */
export function parseFrame(message) {
    try {
        return read(message);
    }
    catch (error) {
        if (error instanceof ShapeError || error instanceof SyntaxError)
            return null;
        throw error;
    }
}
function readEntry(value) {
    const entry = object(value);
    return {
        userId: text(entry["userId"]),
        username: text(entry["username"]),
        displayName: orNull(entry["displayName"], text),
        country: orNull(entry["country"], text),
        avatar: orNull(entry["avatar"], integer),
        score: integer(entry["score"]),
        rank: integer(entry["rank"]),
        lastUpdated: text(entry["lastUpdated"]),
    };
}
function read(message) {
    const frame = object(JSON.parse(text(message)));
    switch (frame["type"]) {
        case "snapshot":
            return {
                type: "snapshot",
                period: text(frame["period"]),
                epoch: text(frame["epoch"]),
                seq: integer(frame["seq"]),
                at: text(frame["at"]),
                limit: integer(frame["limit"]),
                total: integer(frame["total"]),
                season: orNull(frame["season"], readSeason),
                entries: list(frame["entries"], readEntry),
            };
        case "delta":
            return {
                type: "delta",
                epoch: text(frame["epoch"]),
                from: integer(frame["from"]),
                seq: integer(frame["seq"]),
                at: text(frame["at"]),
                total: integer(frame["total"]),
                entries: list(frame["entries"], readEntry),
                removed: list(frame["removed"], text),
            };
        case "resumed":
            return {
                type: "resumed",
                epoch: text(frame["epoch"]),
                seq: integer(frame["seq"]),
                season: orNull(frame["season"], readSeason),
            };
        case "me":
            return { type: "me", standing: readStanding(object(frame["entry"])) };
        case "rollover":
            return { type: "rollover" };
        case "achievements":
            return { type: "achievements", unlocked: list(frame["unlocked"], text) };
        case "achievement":
            return { type: "achievement", unlock: readUnlock(frame["achievement"]) };
        case "hb":
            return { type: "hb" };
        default:
            return null;
    }
}
