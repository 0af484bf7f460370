/** The links between periods: with this they switch without a reload, and the address, back and forward follow. */

import { find } from "./elements.js";

/** The period without an end. An address without a period shows the first one of its board. */
export const ALL_TIME = "all";

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
  readonly #links: readonly HTMLAnchorElement[];
  readonly #onChoice: () => void;
  #current: HTMLAnchorElement;

  constructor(nav: HTMLElement, onChoice: () => void) {
    this.#links = [...nav.querySelectorAll<HTMLAnchorElement>("a[data-period]")];
    this.#current = find(nav, "a[aria-current]", HTMLAnchorElement);
    this.#onChoice = onChoice;
    nav.addEventListener("click", (event) => this.#click(event));
    window.addEventListener("popstate", () => this.#follow());
  }

  get choice(): PeriodChoice {
    const { period = "", when = "", unit = "" } = this.#current.dataset;
    return { name: period, label: this.#current.textContent, when, unit };
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
