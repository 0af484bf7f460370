/** What a player has achieved, and how far they have come. Pure. */
import { readAchievements, readProgress, readUnlock } from "../achievements.js";
import { list } from "../json.js";
/** The titles of achievements by their ids, from the list of all of them. Secret ones have none. */
export function readTitles(body) {
    return new Map(readAchievements(body).flatMap(({ id, title }) => (title === null ? [] : [[id, title]])));
}
export function readShelf(body, titles) {
    const titleOf = (id) => titles.get(id) ?? id;
    const unlocked = list(body["unlocked"], readUnlock).map(({ achievementId, title, unlockedAt, scope }) => {
        return { title: title ?? titleOf(achievementId), unlockedAt, scope };
    });
    const progress = list(body["progress"] ?? [], readProgress).map(({ achievementId, steps, goal }) => {
        return { title: titleOf(achievementId), steps, goal };
    });
    return { unlocked: unlocked.sort((one, other) => other.unlockedAt.localeCompare(one.unlockedAt)), progress };
}
