/** A button per action, and below them what became of each press. */
import { ApiError, isPassing } from "./api.js";
import { copy, field, find, setText } from "./elements.js";
import { gain, number } from "./format.js";
import { Notice } from "./notice.js";
import { limited, sentence } from "./sentences.js";
import { SignedOut } from "./session.js";
import { Press } from "./updates.js";
const SHOWN_PRESSES = 4;
const UNKNOWN = "No answer. Trying again is safe: it counts only once.";
export class ActionButtons {
    #buttons;
    #presses;
    #template;
    #notice;
    #session;
    #onStanding;
    #onCounted;
    #isHeld = false;
    constructor(root, session, onStanding, onCounted) {
        this.#session = session;
        this.#onStanding = onStanding;
        this.#onCounted = onCounted;
        this.#buttons = [...root.querySelectorAll("button[data-action]")];
        this.#presses = find(root, "[data-part=presses]", HTMLElement);
        this.#template = find(root, "template", HTMLTemplateElement);
        this.#notice = new Notice(find(root, ".notice", HTMLElement));
        for (const button of this.#buttons)
            button.addEventListener("click", () => this.#press(button));
    }
    /** Forget what another player did here. */
    clear() {
        this.#presses.replaceChildren();
        this.#release();
    }
    #press(button) {
        const player = this.#session.player;
        if (!player || this.#isHeld)
            return;
        const press = new Press(button.dataset["action"] ?? "", player.userId, this.#session);
        const item = copy(this.#template, HTMLLIElement);
        setText(field(item, "label"), button.dataset["label"] ?? press.actionId);
        this.#presses.prepend(item);
        this.#forgetOld();
        find(item, "button", HTMLButtonElement).addEventListener("click", () => void this.#send(press, item));
        void this.#send(press, item);
    }
    async #send(press, item) {
        show(item, "sending", "Sending…");
        try {
            const applied = await press.send(() => {
                show(item, "waiting", "No answer yet. Trying again; it counts only once.");
            });
            if (applied && press.userId === this.#session.player?.userId) {
                this.#onStanding(applied.standing);
                if (!applied.isReplay)
                    this.#onCounted(press.actionId);
            }
            show(item, "counted", applied ? told(applied) : "Accepted. It will show in a moment.");
        }
        catch (error) {
            this.#showError(error, press, item);
        }
    }
    #showError(error, press, item) {
        if (error instanceof SignedOut)
            return; // the form says so
        const isLimited = error instanceof ApiError && error.status === 429;
        if (isLimited)
            this.#hold(error);
        if (isPassing(error) || (isLimited && press.mayHaveCounted)) {
            show(item, "unknown", press.mayHaveCounted ? UNKNOWN : sentence(error));
        }
        else {
            show(item, "refused", isLimited ? "Not counted." : sentence(error));
        }
    }
    /** Take no presses until the server takes them again. */
    #hold(error) {
        this.#isHeld = true;
        for (const button of this.#buttons)
            button.setAttribute("aria-disabled", "true");
        const seconds = error.retryAfterSeconds ?? 1;
        this.#notice.countDown(seconds, (left) => limited(error, left), () => this.#release());
    }
    #release() {
        this.#isHeld = false;
        this.#notice.clear();
        for (const button of this.#buttons)
            button.removeAttribute("aria-disabled");
    }
    #forgetOld() {
        const settled = [...this.#presses.querySelectorAll("[data-state=counted], [data-state=refused]")];
        const excess = this.#presses.childElementCount - SHOWN_PRESSES;
        for (const item of settled.reverse().slice(0, Math.max(0, excess)))
            item.remove();
    }
}
function show(item, state, text) {
    item.dataset["state"] = state;
    setText(field(item, "state"), text);
    find(item, "button", HTMLButtonElement).hidden = state !== "unknown";
}
function told({ points, standing, previousRank, isReplay }) {
    const rank = standing.rank === null ? "" : place(standing.rank, previousRank);
    return `${gain(points)}${isReplay ? ", counted once though sent again" : ""}${rank}`;
}
function place(rank, previousRank) {
    return previousRank === null || previousRank === rank
        ? ` · rank ${number(rank)}`
        : ` · rank ${number(previousRank)} → ${number(rank)}`;
}
