/** The values of a chart as a table, folded away until it is asked for. Rows that stay are left as they are. */
import { named } from "./chart_words.js";
import { make, setText } from "./elements.js";
export class Twin {
    element;
    #write;
    #isByDay;
    #head = make("tr");
    #body = make("tbody");
    #rows = new Map();
    #at = [];
    #lines = [];
    constructor(title, write, isByDay) {
        this.#write = write;
        this.#isByDay = isByDay;
        const summary = make("summary", {}, "As a table", make("span", { class: "unseen" }, `: ${title}`));
        const caption = make("caption", { class: "unseen" }, title);
        const table = make("table", {}, caption, make("thead", {}, this.#head), this.#body);
        const scrolled = make("div", { class: "twin", role: "region", tabindex: "0", "aria-label": `${title}, as a table` });
        scrolled.append(table);
        this.element = make("details", { class: "chart-table" }, summary, scrolled);
        this.element.addEventListener("toggle", () => this.#fill());
    }
    show(at, lines) {
        this.#at = at;
        this.#lines = lines;
        this.#fill();
    }
    #fill() {
        if (!this.element.open)
            return;
        this.#name();
        const shown = new Set(this.#at);
        for (const [at, row] of this.#rows) {
            if (shown.has(at))
                continue;
            row.remove();
            this.#rows.delete(at);
        }
        let below = null; // the newest is on top
        this.#at.forEach((at, index) => {
            const row = this.#row(at, index);
            if (row.nextElementSibling !== below || !row.isConnected)
                this.#body.insertBefore(row, below);
            below = row;
        });
    }
    /** Name the columns; other columns make the rows anew. */
    #name() {
        const names = ["When", ...this.#lines.map(({ label }) => label)];
        const shown = [...this.#head.children].map(({ textContent }) => textContent);
        if (names.length === shown.length && names.every((name, index) => name === shown[index]))
            return;
        this.#head.replaceChildren(...names.map((name) => make("th", { scope: "col" }, name)));
        this.#body.replaceChildren();
        this.#rows.clear();
    }
    #row(at, index) {
        const row = this.#rows.get(at) ?? this.#fresh(at);
        this.#lines.forEach(({ values }, line) => {
            const value = values[index] ?? null;
            const cell = row.cells[line + 1];
            if (cell)
                setText(cell, value === null ? "–" : this.#write(value));
        });
        return row;
    }
    #fresh(at) {
        const cells = this.#lines.map(() => make("td"));
        const row = make("tr", {}, make("th", { scope: "row" }, named(at, this.#isByDay)), ...cells);
        this.#rows.set(at, row);
        return row;
    }
}
