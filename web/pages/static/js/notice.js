/** A sentence beside what it is about. Screen readers hear it once, also while it counts down. */
import { find, setText } from "./elements.js";
export class Notice {
    #spoken;
    #shown;
    #timer;
    constructor(root) {
        this.#spoken = find(root, "[role=status]", HTMLElement);
        this.#shown = find(root, "[aria-hidden]", HTMLElement);
    }
    show(text) {
        clearInterval(this.#timer);
        this.#say(text);
    }
    clear() {
        this.show("");
    }
    /** Say what holds for `seconds`, counting down, and clear it then. */
    countDown(seconds, text, onEnd) {
        const end = performance.now() + seconds * 1000;
        this.show(text(seconds));
        this.#timer = setInterval(() => {
            const left = Math.ceil((end - performance.now()) / 1000);
            if (left > 0) {
                setText(this.#shown, text(left));
            }
            else {
                this.clear();
                onEnd?.();
            }
        }, 250);
    }
    #say(text) {
        setText(this.#spoken, text);
        setText(this.#shown, text);
    }
}
