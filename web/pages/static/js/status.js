/** How fresh the list is: the pill in the corner, and a sentence below the list when there is more to say. */
import { find, setText } from "./elements.js";
import { timeOfDay } from "./format.js";
const PILL = {
    connecting: ["connecting", "Connecting"],
    live: ["live", "Live"],
    reconnecting: ["reconnecting", "Reconnecting"],
    waiting: ["reconnecting", "Reconnecting"],
    offline: ["offline", "Offline"],
    "signed-out": ["signed-out", "Signed out"],
};
const UNREADABLE = "The list cannot be read right now. It comes back by itself.";
/** What to say below the list. Pure. */
export function sentenceOf({ connection, heardAt, awaited, begun }) {
    if (connection === "live")
        return begun;
    const parts = [];
    if (heardAt !== null && connection === "waiting")
        parts.push(UNREADABLE);
    if (heardAt !== null && connection !== "connecting")
        parts.push(`As it stood at ${timeOfDay(heardAt)}.`);
    if (awaited !== "")
        parts.push(`“${awaited}” is on its way.`);
    return parts.join(" ");
}
export class StatusView {
    #pill;
    #pillText;
    #line;
    constructor(pill, line) {
        this.#pill = pill;
        this.#pillText = find(pill, "[role=status]", HTMLElement);
        this.#line = line;
    }
    show(status) {
        const [state, text] = PILL[status.connection];
        this.#pill.dataset["state"] = state;
        setText(this.#pillText, text);
        setText(this.#line, sentenceOf(status));
    }
}
