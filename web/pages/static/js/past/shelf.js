/** What a player has achieved, and how far they have come. Pure. */
import { integer, list, object, orNull, text } from "../json.js";
/** The titles of achievements by their ids, from the list of all of them. Secret ones have none. */
export function readTitles(body) {
    const titles = list(body["achievements"], (value) => {
        const told = object(value);
        return [text(told["id"]), orNull(told["title"], text)];
    });
    return new Map(titles.flatMap(([id, title]) => (title === null ? [] : [[id, title]])));
}
export function readShelf(body, titles) {
    const titleOf = (told) => {
        const id = text(told["achievementId"]);
        return orNull(told["title"], text) ?? titles.get(id) ?? id;
    };
    const unlocked = list(body["unlocked"], (value) => {
        const told = object(value);
        return { title: titleOf(told), unlockedAt: text(told["unlockedAt"]), scope: orNull(told["scope"], text) ?? "" };
    });
    const progress = list(body["progress"] ?? [], (value) => {
        const told = object(value);
        return { title: titleOf(told), steps: integer(told["steps"]), goal: integer(told["goal"]) };
    });
    return { unlocked: [...unlocked].sort((one, other) => compare(other.unlockedAt, one.unlockedAt)), progress };
}
/** ISO 8601 instants of one form compare as text. */
function compare(one, other) {
    return one < other ? -1 : Number(one > other);
}
