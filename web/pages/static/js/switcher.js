/** The links between periods: with this they switch without a reload, and the address, back and forward follow. */
import { find, setText } from "./elements.js";
/** The period without an end. An address without a period shows the first one of its board. */
export const ALL_TIME = "all";
/** The name of the season that is open, whichever that is. */
export const SEASON = "season";
export class PeriodSwitch {
    #nav;
    #onChoice;
    #current;
    constructor(nav, onChoice) {
        this.#nav = nav;
        this.#current = find(nav, "a[aria-current]", HTMLAnchorElement);
        this.#onChoice = onChoice;
        nav.addEventListener("click", (event) => this.#click(event));
        window.addEventListener("popstate", () => this.#follow());
    }
    get choice() {
        const { period = "", when = "", unit = "" } = this.#current.dataset;
        return { name: period, label: this.#current.textContent, when, unit };
    }
    /**
     * Let the link to the season be that of this one; null: none is open, and so there is no link, unless it is chosen.
     *
     * Seasons begin and end while the page is open, and the first one of a board has no link before.
     */
    showSeason(season) {
        const known = this.#links.find(({ dataset }) => dataset["period"] === SEASON);
        if (season === null) {
            if (known !== this.#current)
                known?.remove();
            return;
        }
        const link = known ?? this.#nav.appendChild(this.#linkTo(SEASON));
        link.dataset["when"] = `in ${season.label}`;
        setText(link, season.label);
    }
    get #links() {
        return [...this.#nav.querySelectorAll("a[data-period]")];
    }
    #linkTo(period) {
        const link = document.createElement("a");
        const address = new URL(this.#current.href);
        address.searchParams.set("period", period);
        link.href = address.href;
        Object.assign(link.dataset, { period, unit: period });
        return link;
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
