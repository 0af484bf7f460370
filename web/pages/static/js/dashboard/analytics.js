/** What was played, read from the API. Pure. */
import { list, object, orNull, text } from "../json.js";
import { figure } from "./samples.js";
export function readAnalytics(body) {
    return {
        series: list(body["series"], (item) => readPoint(object(item))),
        actions: list(body["actions"], object),
        refusals: Object.entries(object(body["refusals"])).map(([code, count]) => [code, figure(count)]),
        movers: list(body["movers"], (item) => {
            const mover = object(item);
            return { userId: text(mover["userId"]), username: text(mover["username"]), points: figure(mover["points"]) };
        }),
        countedAt: orNull(body["countedAt"], text),
    };
}
export function lineOf(label, series, value) {
    return { label, values: series.map(value) };
}
/** The first day, `YYYY-MM-DD` in UTC, of so many that end with the day of this instant in ms. */
export function firstDay(days, now) {
    return new Date(now - (days - 1) * 86_400_000).toISOString().slice(0, 10);
}
function readPoint(body) {
    return {
        at: Date.parse(text(body["at"])) / 1000,
        activePlayers: figure(body["activePlayers"]),
        newPlayers: figure(body["newPlayers"]),
        updates: figure(body["updates"]),
        refused: figure(body["refused"]),
        points: figure(body["points"]),
        pointsTaken: figure(body["pointsTaken"]),
    };
}
