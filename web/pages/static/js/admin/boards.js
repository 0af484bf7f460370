/** Every board there is, read once for whoever has to choose one, or to write a score of it. */
import { readBoard } from "./board.js";
import { query, readPage } from "./paged.js";
const LARGEST_PAGE = "100";
/** A page of all boards. Throws as `Session.call` does. */
export async function pageOfBoards(session, cursor) {
    const path = `/api/admin/boards${query({ limit: LARGEST_PAGE, cursor })}`;
    return readPage((await session.call({ method: "GET", path })).body, "boards", readBoard);
}
/** All of them, by their ids. */
export async function everyBoard(session) {
    const found = new Map();
    let cursor = null;
    do {
        const page = await pageOfBoards(session, cursor);
        for (const board of page.items)
            found.set(board.boardId, board);
        cursor = page.nextCursor;
    } while (cursor !== null);
    return found;
}
