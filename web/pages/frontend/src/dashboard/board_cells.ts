/** What is told of each board beside its state: players, updates of this hour, viewers, and its end, as they change. */

import type { Board } from "../admin/board.js";
import { moment } from "../admin/words.js";
import { make, setText } from "../elements.js";
import { number } from "../format.js";
import type { BoardFigures } from "./now.js";

type Write = (figures: BoardFigures) => string | null;

const COLUMNS: readonly (readonly [string, Write])[] = [
  ["Players", ({ players }) => players === null ? null : number(players)],
  ["This hour", ({ updates }) => number(updates)],
  ["Viewers", ({ viewers }) => number(viewers)],
  ["Next end", ({ endsAt }) => endsAt === null ? null : moment(endsAt)],
];

export class BoardCells {
  #cells = new Map<string, readonly HTMLElement[]>();
  #figures: ReadonlyMap<string, BoardFigures> = new Map();

  /** The cells of a board's row, which are kept up to date from now on. */
  of({ boardId }: Board): readonly HTMLElement[] {
    const cells = COLUMNS.map(([label]) => make("td", { class: "number", "data-label": label }));
    this.#cells.set(boardId, cells);
    this.#write(boardId, cells);
    return cells;
  }

  show(figures: ReadonlyMap<string, BoardFigures>): void {
    this.#figures = figures;
    for (const [boardId, cells] of this.#cells) this.#write(boardId, cells);
  }

  clear(): void {
    this.#cells.clear();
    this.#figures = new Map();
  }

  #write(boardId: string, cells: readonly HTMLElement[]): void {
    const figures = this.#figures.get(boardId);
    COLUMNS.forEach(([, write], index) => {
      const cell = cells[index];
      if (cell) setText(cell, (figures && write(figures)) ?? "–");
    });
  }
}
