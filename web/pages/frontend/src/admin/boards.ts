/** Every board there is, read once for whoever has to choose one, or to write a score of it. */

import type { Session } from "../session.js";
import { type Board, readBoard } from "./board.js";
import { type Page, query, readPage } from "./paged.js";

const LARGEST_PAGE = "100";

/** A page of all boards. Throws as `Session.call` does. */
export async function pageOfBoards(session: Session, cursor: string | null): Promise<Page<Board>> {
  const path = `/api/admin/boards${query({ limit: LARGEST_PAGE, cursor })}`;
  return readPage((await session.call({ method: "GET", path })).body, "boards", readBoard);
}

/** All of them, by their ids. */
export async function everyBoard(session: Session): Promise<ReadonlyMap<string, Board>> {
  const found = new Map<string, Board>();
  let cursor: string | null = null;
  do {
    const page: Page<Board> = await pageOfBoards(session, cursor);
    for (const board of page.items) found.set(board.boardId, board);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return found;
}
