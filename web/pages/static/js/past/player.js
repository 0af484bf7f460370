/** What the API tells of a player's past. Pure. */
import { integer, list, object, orNull, text } from "../json.js";
export function readPerson(place) {
    return {
        username: text(place["username"]),
        displayName: orNull(place["displayName"], text),
        country: orNull(place["country"], text),
        avatar: orNull(place["avatar"], integer),
        score: integer(place["score"]),
        rank: orNull(place["rank"], integer),
        total: integer(place["total"]),
        veil: veilOf(place),
    };
}
export function readDays(history) {
    return list(history["points"], (value) => {
        const point = object(value);
        const at = Date.parse(`${text(point["day"])}T00:00:00Z`) / 1000;
        return { at, score: integer(point["score"]), rank: integer(point["rank"]) };
    });
}
export function readPlacement(value) {
    const told = object(value);
    return {
        board: text(told["board"]),
        period: text(told["period"]),
        rank: integer(told["rank"]),
        total: integer(told["total"]),
        score: integer(told["score"]),
        closedAt: text(told["closedAt"]),
    };
}
/** The boards on which the player stands, by their ids. */
export function readBoards(body) {
    return list(body["boards"], (value) => text(object(value)["board"]));
}
function veilOf(place) {
    if (place["listed"] === false)
        return "You are on no board, as you chose. Nobody but you and admins sees this page.";
    if (typeof place["listedAs"] === "string") {
        return "You stand on boards as Anonymous. Nobody but you and admins sees this page.";
    }
    return "";
}
