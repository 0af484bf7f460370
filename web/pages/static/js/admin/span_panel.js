/** A player's updates of a span of time, made void or restored together, once it was seen who moves. */
import { find, setText } from "../elements.js";
import { number } from "../format.js";
import { integer, list } from "../json.js";
import { Notice } from "../notice.js";
import { scoreText } from "../scores.js";
import { nameOf } from "./board.js";
import { make } from "./build.js";
import { readMoved } from "./event.js";
import { scores } from "./event_panel.js";
import { tell } from "./failure.js";
import { calledBy } from "./person.js";
import { asEnd, asInstant } from "./words.js";
/** The API asks for a reason also where nothing is changed, and keeps none then. */
const REASON_OF_DRY_RUN = "dry run";
export class SpanPanel {
    #session;
    #dialog;
    #form;
    #preview;
    #count;
    #confirm;
    #notice;
    #onChange;
    #player = null;
    #boards = new Map();
    #asked = 0;
    /** `onChange` hears of every correction. */
    constructor(root, session, dialog, onChange) {
        this.#session = session;
        this.#dialog = dialog;
        this.#onChange = onChange;
        this.#form = find(root, "form", HTMLFormElement);
        this.#preview = find(root, "[data-part=preview]", HTMLElement);
        this.#count = find(root, "[data-part=count]", HTMLElement);
        this.#confirm = find(root, "[data-part=confirm]", HTMLButtonElement);
        this.#notice = new Notice(find(root, ".notice", HTMLElement));
        this.#form.addEventListener("submit", (event) => {
            event.preventDefault();
            void this.#look();
        });
        this.#form.addEventListener("input", () => this.#forget()); // it was of another span
    }
    show(player, boards) {
        this.#player = player;
        this.#boards = boards;
        this.#forget();
    }
    clear() {
        this.#player = null;
        this.#form.reset();
        this.#forget();
    }
    #forget() {
        this.#asked += 1;
        this.#preview.hidden = true;
        find(this.#preview, "tbody", HTMLElement).replaceChildren();
        setText(this.#count, "");
        this.#notice.clear();
        const isVoid = new FormData(this.#form).get("how") !== "restore";
        find(this.#form, "[data-of=amend]", HTMLElement).hidden = !isVoid;
    }
    async #look() {
        this.#forget();
        const asked = this.#asked;
        if (this.#player === null)
            return;
        const span = this.#span(this.#player);
        if (span.from === null || span.to === null) {
            this.#notice.show("Give both ends of the span.");
            return;
        }
        try {
            const { body } = await this.#send(span, REASON_OF_DRY_RUN, true);
            if (asked === this.#asked)
                this.#show(span, integer(body["events"]), list(body["standings"], readMoved));
        }
        catch (error) {
            if (asked === this.#asked)
                tell(this.#notice, error);
        }
    }
    #show(span, events, moved) {
        const what = `${number(events)} ${events === 1 ? "update" : "updates"}`;
        const verb = span.how === "void" ? "Void" : "Restore";
        this.#preview.hidden = events === 0;
        const found = `${what}; ${scores(moved.length)} would change.`;
        setText(this.#count, events === 0 ? `There is nothing to ${span.how} in this span.` : found);
        find(this.#preview, "tbody", HTMLElement).replaceChildren(...moved.map((one) => this.#row(one)));
        setText(this.#confirm, `${verb} ${what}`);
        this.#confirm.onclick = () => this.#dialog.open({
            title: `${verb} ${what} of ${calledBy(span.player)}`,
            lead: span.how === "void" ? "They count nowhere from now on, and can be restored." : "They count again.",
            verb,
            fields: ["reason"],
            carryOut: (values) => this.#carryOut(span, values["reason"] ?? ""),
        });
    }
    #row({ board, period, scores: [before, after], ranks }) {
        const format = this.#boards.get(board)?.format ?? "integer";
        const known = this.#boards.get(board);
        const score = (value) => (value === null ? "–" : scoreText(value, format));
        const rank = (value) => (value === null ? "–" : number(value));
        return make("tr", {}, make("th", { scope: "row" }, known ? nameOf(known) : board, make("small", {}, period)), make("td", { "data-label": "Score", class: "number" }, `${score(before)} → ${score(after)}`), make("td", { "data-label": "Rank", class: "number" }, `${rank(ranks[0])} → ${rank(ranks[1])}`));
    }
    async #carryOut(span, reason) {
        const { body } = await this.#send(span, reason, false);
        const events = integer(body["events"]);
        if (this.#player?.userId === span.player.userId) {
            this.#forget();
            this.#onChange();
        }
        const what = `${number(events)} ${events === 1 ? "update" : "updates"} ${span.how === "void" ? "void" : "again"}`;
        return `${what}; ${scores(list(body["standings"], readMoved).length)} changed.`;
    }
    #send({ player, how, ...span }, reason, dryRun) {
        const body = JSON.stringify({ ...span, reason, dryRun });
        return this.#session.call({ method: "POST", path: `/api/admin/users/${player.userId}/${how}`, body });
    }
    #span(player) {
        const given = new FormData(this.#form);
        const of = (name) => String(given.get(name) ?? "").trim();
        const how = of("how") === "restore" ? "restore" : "void";
        return {
            player,
            how,
            from: asInstant(of("from")),
            to: asEnd(of("to")),
            actionId: of("actionId") || null,
            amendClosed: how === "void" ? given.has("amendClosed") : null,
        };
    }
}
