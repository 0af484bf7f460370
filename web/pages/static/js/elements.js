/** Finding the elements that the template promises, and making others. */
/** An element with a class, attributes and contents: `make("td", { class: "when" }, "now")`. Text is never markup. */
export function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
        element.setAttribute(name, value);
    element.append(...children);
    return element;
}
/** The one element that matches; the page is broken without it, and says which. */
export function find(root, selector, kind) {
    const found = root.querySelector(selector);
    if (!(found instanceof kind))
        throw new Error(`The page has no ${kind.name} ${selector}`);
    return found;
}
/** The element of a template that is marked `data-field="…"`. */
export function field(root, name) {
    return find(root, `[data-field="${name}"]`, HTMLElement);
}
/** A fresh copy of a template's one element. */
export function copy(template, kind) {
    return find(document.importNode(template.content, true), "*", kind);
}
/** Change the text only if it differs, so that selections and screen readers are left in peace. */
export function setText(element, text) {
    if (element.textContent === text)
        return false;
    element.textContent = text;
    return true;
}
/** Start a CSS animation, again if it is still running. */
export function play(element, name) {
    element.classList.remove(name);
    void element.getBoundingClientRect();
    element.classList.add(name);
}
