/** What is told of each board beside its state: players, updates of this hour and viewers, as they change. */
import { make, setText } from "../elements.js";
import { number } from "../format.js";
const COLUMNS = [
    ["players", "Players"],
    ["updates", "This hour"],
    ["viewers", "Viewers"],
];
export class BoardCells {
    #cells = new Map();
    #figures = new Map();
    /** The cells of a board's row, which are kept up to date from now on. */
    of({ boardId }) {
        const cells = COLUMNS.map(([, label]) => make("td", { class: "number", "data-label": label }));
        this.#cells.set(boardId, cells);
        this.#write(boardId, cells);
        return cells;
    }
    show(figures) {
        this.#figures = figures;
        for (const [boardId, cells] of this.#cells)
            this.#write(boardId, cells);
    }
    clear() {
        this.#cells.clear();
        this.#figures = new Map();
    }
    #write(boardId, cells) {
        const figures = this.#figures.get(boardId);
        COLUMNS.forEach(([name], index) => {
            const value = figures?.[name] ?? null;
            const cell = cells[index];
            if (cell)
                setText(cell, value === null ? "–" : number(value));
        });
    }
}
