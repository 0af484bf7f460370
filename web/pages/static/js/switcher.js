/** The links between periods: with this they switch without a reload, and the address, back and forward follow. */
import { find } from "./elements.js";
/** The period without an end. An address without a period shows the first one of its board. */
export const ALL_TIME = "all";
export class PeriodSwitch {
    #links;
    #onChoice;
    #current;
    constructor(nav, onChoice) {
        this.#links = [...nav.querySelectorAll("a[data-period]")];
        this.#current = find(nav, "a[aria-current]", HTMLAnchorElement);
        this.#onChoice = onChoice;
        nav.addEventListener("click", (event) => this.#click(event));
        window.addEventListener("popstate", () => this.#follow());
    }
    get choice() {
        const { period = "", when = "", unit = "" } = this.#current.dataset;
        return { name: period, label: this.#current.textContent, when, unit };
    }
    #click(event) {
        const link = this.#links.find((one) => one.contains(event.target));
        const isForAnotherTab = event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
        if (!link || isForAnotherTab)
            return;
        event.preventDefault();
        if (link === this.#current)
            return;
        history.pushState(null, "", link.href);
        this.#turnTo(link);
    }
    /** Back or forward was pressed: the address has changed already. */
    #follow() {
        const name = new URLSearchParams(location.search).get("period") ?? this.#links[0]?.dataset["period"];
        const link = this.#links.find((one) => one.dataset["period"] === name);
        if (link && link !== this.#current)
            this.#turnTo(link);
    }
    #turnTo(link) {
        this.#current.removeAttribute("aria-current");
        link.setAttribute("aria-current", "page");
        this.#current = link;
        this.#onChoice();
    }
}
