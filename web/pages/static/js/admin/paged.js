/** A list that is read page by page: its rows, how many there are so far, a button for more, and what went wrong. */
import { find, setText } from "../elements.js";
import { number } from "../format.js";
import { list, object, orNull, text } from "../json.js";
import { Notice } from "../notice.js";
import { tell } from "./failure.js";
export class PagedList {
    #listed;
    #rows;
    #count;
    #more;
    #notice;
    #next = null;
    #reading = 0;
    #isReading = false;
    constructor(root, listed) {
        this.#listed = listed;
        this.#rows = find(root, "[data-part=rows]", HTMLElement);
        this.#count = find(root, "[data-part=count]", HTMLElement);
        this.#more = find(root, "[data-part=more]", HTMLButtonElement);
        this.#notice = new Notice(find(root, ".notice", HTMLElement));
        this.#more.addEventListener("click", () => void this.#readOn());
    }
    /** Read the list from its beginning. */
    async load() {
        await this.#read(null);
    }
    clear() {
        this.#reading += 1;
        this.#isReading = false;
        this.#next = null;
        this.#rows.replaceChildren();
        this.#more.hidden = true;
        this.#notice.clear();
        setText(this.#count, "");
    }
    /** Draw an item anew where it stands. The focus stays where it was in its row. */
    replace(key, item) {
        const old = [...this.#rows.children].find((row) => row instanceof HTMLElement && row.dataset["key"] === key);
        if (!old)
            return;
        const hadFocus = old.contains(document.activeElement);
        const row = this.#listed.draw(item);
        old.replaceWith(row);
        if (hadFocus)
            row.querySelector("button, a")?.focus();
    }
    /** Until the list that was asked for is there, its next page is that of another one. */
    async #readOn() {
        if (!this.#isReading)
            await this.#read(this.#next);
    }
    async #read(cursor) {
        const reading = (this.#reading += 1);
        this.#isReading = true;
        this.#notice.clear();
        this.#more.setAttribute("aria-disabled", "true");
        try {
            const page = await this.#listed.ask(cursor);
            if (reading === this.#reading)
                this.#show(page, cursor === null);
        }
        catch (error) {
            if (reading !== this.#reading)
                return;
            tell(this.#notice, error);
            this.#more.hidden = false;
            this.#next = cursor;
            setText(this.#more, "Try again");
        }
        finally {
            if (reading === this.#reading) {
                this.#isReading = false;
                this.#more.removeAttribute("aria-disabled");
            }
        }
    }
    #show(page, isFirst) {
        const rows = page.items.map(this.#listed.draw);
        if (isFirst)
            this.#rows.replaceChildren(...rows);
        else
            this.#rows.append(...rows);
        this.#next = page.nextCursor;
        const hadFocus = this.#more === document.activeElement;
        setText(this.#more, "Show more");
        this.#more.hidden = page.nextCursor === null;
        setText(this.#count, this.#counted());
        if (hadFocus && this.#more.hidden)
            rows[0]?.querySelector("button, a")?.focus();
    }
    #counted() {
        const count = this.#rows.children.length;
        const [one, several] = this.#listed.names;
        if (count === 0)
            return `No ${several}.`;
        return `${number(count)} ${count === 1 ? one : several}${this.#next === null ? "" : " so far"}`;
    }
}
/** A page of the API, whose list has a name. */
export function readPage(body, name, read) {
    return { items: list(body[name], (item) => read(object(item))), nextCursor: orNull(body["nextCursor"], text) };
}
/** The query of a page: parameters that are empty or null are left out. */
export function query(parameters) {
    const given = Object.entries(parameters).flatMap(([name, value]) => (value ? [[name, value]] : []));
    return given.length > 0 ? `?${new URLSearchParams(given)}` : "";
}
