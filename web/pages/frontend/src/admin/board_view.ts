/** The boards with their state, and their moves: open, close, archive. */

import type { Session } from "../session.js";
import { addressOf } from "../root.js";
import { type Board, type Move, moves, nameOf, readBoard } from "./board.js";
import { pageOfBoards } from "./boards.js";
import { button, make } from "./build.js";
import type { DeedDialog, Values } from "./deed.js";
import { PagedList } from "./paged.js";
import { asInstant, moment } from "./words.js";

const MOVES: Readonly<Record<Move, { verb: string; lead: string; done: string }>> = {
  open: { verb: "Open", lead: "It takes updates again. A closing that is planned is called off.", done: "opens" },
  close: {
    verb: "Close",
    lead: "What is accepted from then on does not count on it. It stays readable.",
    done: "closes",
  },
  archive: {
    verb: "Archive",
    lead: "For good: it leaves every list and takes no more updates. It stays readable by its id.",
    done: "is archived",
  },
};

/** Who tells more of each board, in cells before its moves. */
export interface Cells {
  of(board: Board): readonly Node[];
}

export class BoardView {
  readonly #session: Session;
  readonly #dialog: DeedDialog;
  readonly #cells: Cells | null;
  readonly #list: PagedList<Board>;

  constructor(root: HTMLElement, session: Session, dialog: DeedDialog, cells: Cells | null = null) {
    this.#session = session;
    this.#dialog = dialog;
    this.#cells = cells;
    this.#list = new PagedList(root, {
      ask: (cursor) => pageOfBoards(session, cursor),
      draw: (board) => this.#row(board),
      names: ["board", "boards"],
    });
  }

  async show(): Promise<void> {
    await this.#list.load();
  }

  clear(): void {
    this.#list.clear();
  }

  #row(board: Board): HTMLElement {
    const hasPage = board.visibility !== "hidden";
    const name = hasPage ? make("a", { href: addressOf(`/b/${board.boardId}`).href }, nameOf(board)) : nameOf(board);
    const periods = make("small", {}, board.periods.join(", "));
    const id = make("span", { class: "handle" }, board.boardId);
    return make(
      "tr",
      { "data-key": board.boardId },
      make("th", { scope: "row" }, name, " ", board.title ? id : ""),
      make("td", { "data-label": "State" }, ...stateOf(board)),
      make("td", { "data-label": "Rule" }, `${board.rule}, ${board.order}`, periods),
      ...(this.#cells?.of(board) ?? []),
      make("td", { class: "moves" }, ...moves(board).map((move) => this.#button(board, move))),
    );
  }

  #button(board: Board, move: Move): HTMLButtonElement {
    const isCalledOff = move === "open" && board.state === "open";
    const label = isCalledOff ? "Keep open" : MOVES[move].verb;
    return button(label, nameOf(board), () => {
      this.#dialog.open({
        title: `${label} ${nameOf(board)}`,
        lead: MOVES[move].lead,
        verb: label,
        fields: isCalledOff ? ["reason"] : ["at", "reason"],
        carryOut: (values) => this.#move(board, move, values),
      });
    });
  }

  async #move(board: Board, move: Move, { at = "", reason }: Values): Promise<string> {
    const body = JSON.stringify({ at: asInstant(at), reason });
    const path = `/api/admin/boards/${board.boardId}/${move}`;
    const moved = readBoard((await this.#session.call({ method: "POST", path, body })).body);
    this.#list.replace(board.boardId, moved);
    return `${nameOf(moved)} ${at === "" ? "" : `${moment(asInstant(at) ?? "")}: `}${MOVES[move].done}.`;
  }
}

function stateOf(board: Board): Node[] {
  const shown: Node[] = [make("span", { class: "pill", "data-state": board.state }, board.state)];
  if (board.visibility === "hidden") shown.push(make("small", {}, "for admins"));
  if (board.visibility === "players") shown.push(make("small", {}, "for players"));
  if (board.state === "planned" && board.opensAt) shown.push(make("small", {}, `opens ${moment(board.opensAt)}`));
  if (board.closesAt && board.state !== "archived") {
    shown.push(make("small", {}, `${board.state === "closed" ? "since" : "closes"} ${moment(board.closesAt)}`));
  }
  return shown;
}
