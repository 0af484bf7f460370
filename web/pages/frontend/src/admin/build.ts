/** Making elements. Whatever comes from the server is text and never markup. */

type Child = Node | string;

/** An element with a class, attributes and contents: `make("td", { class: "when" }, "now")`. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A button beside others of its kind: `about` tells those who only hear it what it is about. */
export function button(label: string, about: string, onClick: () => void): HTMLButtonElement {
  const unseen = make("span", { class: "unseen" }, ` ${about}`);
  const made = make("button", { class: "quiet", type: "button" }, label, unseen);
  made.addEventListener("click", onClick);
  return made;
}
