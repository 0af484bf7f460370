/** The links between periods: with this they switch without a reload, and the address, back and forward follow. */

import { find, setText } from "./elements.js";
import type { Season } from "./seasons.js";

/** The period without an end. An address without a period shows the first one of its board. */
export const ALL_TIME = "all";

/** The name of the season that is open, whichever that is. */
export const SEASON = "season";

/** A period in the words of the page. */
export interface PeriodChoice {
  readonly name: string;
  readonly label: string;
  /** What follows "Top 10"; empty for all time. */
  readonly when: string;
  /** What begins when it rolls over: a day, a week, a month. */
  readonly unit: string;
}

export class PeriodSwitch {
  readonly #nav: HTMLElement;
  readonly #onChoice: () => void;
  #current: HTMLAnchorElement;

  constructor(nav: HTMLElement, onChoice: () => void) {
    this.#nav = nav;
    this.#current = find(nav, "a[aria-current]", HTMLAnchorElement);
    this.#onChoice = onChoice;
    nav.addEventListener("click", (event) => this.#click(event));
    window.addEventListener("popstate", () => this.#follow());
  }

  get choice(): PeriodChoice {
    const { period = "", when = "", unit = "" } = this.#current.dataset;
    return { name: period, label: this.#current.textContent, when, unit };
  }

  /**
   * Let the link to the season be that of this one; null: none is open, and so there is no link, unless it is chosen.
   *
   * Seasons begin and end while the page is open, and the first one of a board has no link before.
   */
  showSeason(season: Season | null): void {
    const known = this.#links.find(({ dataset }) => dataset["period"] === SEASON);
    if (season === null) {
      if (known !== this.#current) known?.remove();
      return;
    }
    const link = known ?? this.#nav.appendChild(this.#linkTo(SEASON));
    link.dataset["when"] = `in ${season.label}`;
    setText(link, season.label);
  }

  get #links(): readonly HTMLAnchorElement[] {
    return [...this.#nav.querySelectorAll<HTMLAnchorElement>("a[data-period]")];
  }

  #linkTo(period: string): HTMLAnchorElement {
    const link = document.createElement("a");
    const address = new URL(this.#current.href);
    address.searchParams.set("period", period);
    link.href = address.href;
    Object.assign(link.dataset, { period, unit: period });
    return link;
  }

  #click(event: MouseEvent): void {
    const link = this.#links.find((one) => one.contains(event.target as Node));
    const isForAnotherTab = event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!link || isForAnotherTab) return;
    event.preventDefault();
    if (link === this.#current) return;
    history.pushState(null, "", link.href);
    this.#turnTo(link);
  }

  /** Back or forward was pressed: the address has changed already. */
  #follow(): void {
    const name = new URLSearchParams(location.search).get("period") ?? this.#links[0]?.dataset["period"];
    const link = this.#links.find((one) => one.dataset["period"] === name);
    if (link && link !== this.#current) this.#turnTo(link);
  }

  #turnTo(link: HTMLAnchorElement): void {
    this.#current.removeAttribute("aria-current");
    link.setAttribute("aria-current", "page");
    this.#current = link;
    this.#onChoice();
  }
}
