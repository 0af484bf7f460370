/** The race of those who lead a board, as lines over the instants of all of them. Pure. */
import { integer, list, object, orNull, text } from "../json.js";
export function readRace(body) {
    const ways = list(body["series"], readWay);
    const at = [...new Set(ways.flatMap(({ scores }) => [...scores.keys()]))].sort((one, other) => one - other);
    const lines = ways.map(({ label, scores }) => ({ label, values: at.map((instant) => scores.get(instant) ?? null) }));
    const ends = ways.map(({ scores }) => [...scores.values()].at(-1) ?? 0);
    return { at, lines, isLeastOnTop: (ends[0] ?? 0) < (ends.at(-1) ?? 0) };
}
function readWay(value) {
    const series = object(value);
    const label = orNull(series["displayName"], text) ?? text(series["username"]);
    return { label, scores: new Map(list(series["points"], readPoint)) };
}
function readPoint(value) {
    const point = object(value);
    return [Date.parse(text(point["at"])) / 1000, integer(point["score"])];
}
