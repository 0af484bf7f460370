/** Making elements. Whatever comes from the server is text and never markup. */
import { make } from "../elements.js";
export { make };
/** A button beside others of its kind: `about` tells those who only hear it what it is about. */
export function button(label, about, onClick) {
    const unseen = make("span", { class: "unseen" }, ` ${about}`);
    const made = make("button", { class: "quiet", type: "button" }, label, unseen);
    made.addEventListener("click", onClick);
    return made;
}
