/** The top list and how each frame of the live socket changes it. Pure. */
/**
 * The board after a frame, or null if the frame does not follow from this board: then only a snapshot helps.
 *
 * What the frames promise is checked, not believed: a list with a gap in its ranks is never shown.
 */
export function next(board, frame) {
    switch (frame.type) {
        case "snapshot": {
            const { period, epoch, seq, at, limit, total, season, entries } = frame;
            return { period, epoch, seq, at, limit, total, season, entries };
        }
        case "resumed":
            return board && board.epoch === frame.epoch && board.seq === frame.seq ? { ...board, season: frame.season } : null;
        case "delta":
            return board && board.epoch === frame.epoch && board.seq === frame.from ? merged(board, frame) : null;
    }
}
/** What a player is called on the list. */
export function nameOf(entry) {
    return entry.displayName ?? entry.username;
}
/** Whether an id on the list stands for somebody who is not named: no page is theirs. */
export function isStandIn(userId) {
    return userId[14] === "8"; // the version of the UUID
}
/** The ids of players in view whose name another one has, too: their usernames tell them apart. */
export function doubled(entries) {
    const counts = new Map();
    for (const entry of entries)
        counts.set(nameOf(entry), (counts.get(nameOf(entry)) ?? 0) + 1);
    const isDoubled = (entry) => entry.displayName !== null && (counts.get(nameOf(entry)) ?? 0) > 1;
    return new Set(entries.filter(isDoubled).map((entry) => entry.userId));
}
/** What a viewer tells the server to be resumed at. */
export function version(board) {
    return `${board.epoch}:${board.seq}`;
}
function merged(board, delta) {
    const byUser = new Map(board.entries.map((entry) => [entry.userId, entry]));
    for (const userId of delta.removed)
        byUser.delete(userId);
    for (const entry of delta.entries)
        byUser.set(entry.userId, entry);
    const entries = [...byUser.values()].sort((one, other) => one.rank - other.rank);
    const isWhole = entries.length === Math.min(board.limit, delta.total);
    const isRanked = entries.every((entry, index) => entry.rank === index + 1);
    return isWhole && isRanked ? { ...board, seq: delta.seq, at: delta.at, total: delta.total, entries } : null;
}
