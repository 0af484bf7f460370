/** The boards with their state, and their moves: open, close, archive. */
import { addressOf } from "../root.js";
import { moves, nameOf, readBoard } from "./board.js";
import { pageOfBoards } from "./boards.js";
import { button, make } from "./build.js";
import { PagedList } from "./paged.js";
import { asInstant, moment } from "./words.js";
const MOVES = {
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
export class BoardView {
    #session;
    #dialog;
    #cells;
    #list;
    constructor(root, session, dialog, cells = null) {
        this.#session = session;
        this.#dialog = dialog;
        this.#cells = cells;
        this.#list = new PagedList(root, {
            ask: (cursor) => pageOfBoards(session, cursor),
            draw: (board) => this.#row(board),
            names: ["board", "boards"],
        });
    }
    async show() {
        await this.#list.load();
    }
    clear() {
        this.#list.clear();
    }
    #row(board) {
        const hasPage = board.visibility !== "hidden";
        const name = hasPage ? make("a", { href: addressOf(`/b/${board.boardId}`).href }, nameOf(board)) : nameOf(board);
        const periods = make("small", {}, board.periods.join(", "));
        const id = make("span", { class: "handle" }, board.boardId);
        return make("tr", { "data-key": board.boardId }, make("th", { scope: "row" }, name, " ", board.title ? id : ""), make("td", { "data-label": "State" }, ...stateOf(board)), make("td", { "data-label": "Rule" }, `${board.rule}, ${board.order}`, periods), ...(this.#cells?.of(board) ?? []), make("td", { class: "moves" }, ...moves(board).map((move) => this.#button(board, move))));
    }
    #button(board, move) {
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
    async #move(board, move, { at = "", reason }) {
        const body = JSON.stringify({ at: asInstant(at), reason });
        const path = `/api/admin/boards/${board.boardId}/${move}`;
        const moved = readBoard((await this.#session.call({ method: "POST", path, body })).body);
        this.#list.replace(board.boardId, moved);
        return `${nameOf(moved)} ${at === "" ? "" : `${moment(asInstant(at) ?? "")}: `}${MOVES[move].done}.`;
    }
}
function stateOf(board) {
    const shown = [make("span", { class: "pill", "data-state": board.state }, board.state)];
    if (board.visibility === "hidden")
        shown.push(make("small", {}, "for admins"));
    if (board.visibility === "players")
        shown.push(make("small", {}, "for players"));
    if (board.state === "planned" && board.opensAt)
        shown.push(make("small", {}, `opens ${moment(board.opensAt)}`));
    if (board.closesAt && board.state !== "archived") {
        shown.push(make("small", {}, `${board.state === "closed" ? "since" : "closes"} ${moment(board.closesAt)}`));
    }
    return shown;
}
