"use strict";
// The page at `/docs`. It runs where it stands in the page, before what follows is painted: on a narrow screen the
// contents are folded. When all is there, what is wider than its place can be scrolled by keyboard, and only that.
const NARROW = "(max-width: 700px)";
const contents = document.querySelector(".contents details");
if (contents && matchMedia(NARROW).matches)
    contents.open = false;
function openToTheKeyboard(element) {
    const scrolls = element.scrollWidth > element.clientWidth;
    const label = element.dataset["label"];
    if (scrolls)
        element.tabIndex = 0;
    else
        element.removeAttribute("tabindex");
    if (scrolls && label !== undefined) {
        element.setAttribute("role", "region");
        element.setAttribute("aria-label", label);
    }
    else {
        element.removeAttribute("role");
        element.removeAttribute("aria-label");
    }
}
addEventListener("DOMContentLoaded", () => {
    const observer = new ResizeObserver((entries) => {
        for (const { target } of entries)
            if (target instanceof HTMLElement)
                openToTheKeyboard(target);
    });
    for (const element of document.querySelectorAll(".wide, pre"))
        observer.observe(element);
});
