/** Making elements. Whatever comes from the server is text and never markup. */
/** An element with a class, attributes and contents: `make("td", { class: "when" }, "now")`. */
export function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
        element.setAttribute(name, value);
    element.append(...children);
    return element;
}
/** A button beside others of its kind: `about` tells those who only hear it what it is about. */
export function button(label, about, onClick) {
    const unseen = make("span", { class: "unseen" }, ` ${about}`);
    const made = make("button", { class: "quiet", type: "button" }, label, unseen);
    made.addEventListener("click", onClick);
    return made;
}
