/** The dialog that asks before something is changed: what it needs to know, why, and whether it went well. */

import { ApiError, type Problem } from "../api.js";
import { field, find, setText } from "../elements.js";
import { Notice } from "../notice.js";
import { SignedOut } from "../session.js";
import { tell } from "./failure.js";
import { aboutField, failed } from "./words.js";

export type Values = Readonly<Record<string, string>>;

export interface Deed {
  readonly title: string;
  readonly lead: string;
  /** What the button says. */
  readonly verb: string;
  /** The names of the fields that are asked for. */
  readonly fields: readonly string[];
  /** What they begin with. */
  readonly values?: Values;
  /** The boards that can be chosen, as values and names. */
  readonly boards?: readonly (readonly [string, string])[];
  /** Other fields, once another board was chosen. */
  readonly fieldsFor?: (board: string) => readonly string[];
  /** Whether it can only be sent again as it was. */
  readonly isFrozen?: () => boolean;
  /** Carry it out, and return what is said then. Whatever it throws is told, and it may be carried out again. */
  readonly carryOut: (values: Values) => Promise<string>;
}

type Input = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

export class DeedDialog {
  readonly #dialog: HTMLDialogElement;
  readonly #form: HTMLFormElement;
  readonly #submit: HTMLButtonElement;
  readonly #boards: HTMLSelectElement;
  readonly #notice: Notice;
  readonly #said: HTMLElement;
  #deed: Deed | null = null;
  /** What the row is found by from which the dialog was opened: the row may be drawn anew meanwhile. */
  #key = "";
  /** What is on its way, and is told when it is known. */
  readonly #underway = new Set<Deed>();

  /** `said` is where the outcome is told once the dialog has closed. */
  constructor(dialog: HTMLDialogElement, said: HTMLElement) {
    this.#dialog = dialog;
    this.#said = said;
    this.#form = find(dialog, "form", HTMLFormElement);
    this.#submit = find(dialog, "[type=submit]", HTMLButtonElement);
    this.#notice = new Notice(find(dialog, ".notice", HTMLElement));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#carryOut();
    });
    this.#boards = find(dialog, "select[name=board]", HTMLSelectElement);
    this.#boards.addEventListener("change", () => this.#adapt());
    find(dialog, "[data-part=cancel]", HTMLButtonElement).addEventListener("click", () => this.#cancel());
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#cancel();
    });
  }

  open(deed: Deed): void {
    this.#deed = deed;
    this.#key = document.activeElement?.closest<HTMLElement>("[data-key]")?.dataset["key"] ?? "";
    setText(this.#said, "");
    this.#write(deed.title, deed.lead, deed.verb);
    this.#boards.replaceChildren(...(deed.boards ?? []).map(([value, name]) => new Option(name, value)));
    this.#showFields(deed.fields);
    for (const [name, value] of Object.entries(deed.values ?? {})) this.#input(name).value = value;
    this.#adapt();
    this.#freeze();
    this.#showProblems([]);
    this.#showBusy();
    this.#dialog.showModal();
    (this.#shown().find((input) => !input.disabled) ?? this.#submit).focus();
  }

  /** Close it, and leave nothing in it. The focus goes back to where it was opened. */
  close(): void {
    if (!this.#deed) return;
    this.#deed = null;
    this.#dialog.close();
    this.#write("", "", "");
    const active = document.activeElement;
    if (!active || active === document.body || this.#dialog.contains(active)) this.#refocus();
  }

  /** Close it, and tell nothing of what is on its way: it was of a session that is over. */
  forget(): void {
    this.#underway.clear();
    this.close();
  }

  #write(title: string, lead: string, verb: string): void {
    for (const input of this.#form.querySelectorAll<Input>("input, textarea, select")) input.disabled = false;
    this.#form.reset();
    this.#notice.clear();
    setText(field(this.#dialog, "title"), title);
    setText(field(this.#dialog, "lead"), lead);
    setText(this.#submit, verb);
  }

  #refocus(): void {
    const row = document.querySelector(`[data-key="${CSS.escape(this.#key)}"]`);
    const heading = document.querySelector<HTMLElement>("section:not([hidden]) > h2");
    (row?.querySelector<HTMLElement>("button") ?? heading)?.focus();
  }

  #cancel(): void {
    if (!this.#isBusy) this.close(); // what is on its way is told here
  }

  async #carryOut(): Promise<void> {
    const deed = this.#deed;
    if (!deed || this.#isBusy) return;
    this.#underway.add(deed);
    this.#notice.clear();
    this.#showProblems([]);
    this.#showBusy();
    try {
      const said = await deed.carryOut(this.#values());
      if (this.#underway.delete(deed)) this.#tellDone(deed, said);
    } catch (error) {
      if (this.#underway.delete(deed)) this.#tellFailed(deed, error);
    } finally {
      this.#showBusy();
    }
  }

  #tellDone(deed: Deed, said: string): void {
    const isShown = this.#deed === deed;
    if (isShown) this.close();
    setText(this.#said, isShown ? said : `${deed.title}: ${said}`);
  }

  #tellFailed(deed: Deed, error: unknown): void {
    if (this.#deed === deed) this.#showError(error);
    else if (!(error instanceof SignedOut)) setText(this.#said, `${deed.title}: ${failed(error)}`);
  }

  #showError(error: unknown): void {
    if (error instanceof SignedOut) return; // `close` is called by whoever sees to the session
    const problems = error instanceof ApiError ? error.problems : [];
    this.#freeze();
    if (!this.#showProblems(problems)) tell(this.#notice, error);
  }

  #showFields(names: readonly string[]): void {
    for (const box of this.#form.querySelectorAll<HTMLElement>("[data-of]")) {
      box.hidden = !names.includes(box.dataset["of"] ?? "");
    }
  }

  #adapt(): void {
    if (this.#deed?.fieldsFor) this.#showFields(this.#deed.fieldsFor(this.#boards.value));
  }

  #freeze(): void {
    const isFrozen = this.#deed?.isFrozen?.() ?? false;
    for (const input of this.#shown()) input.disabled = isFrozen;
    if (isFrozen) {
      setText(this.#submit, "Try again");
      this.#submit.focus();
    }
  }

  /** Show each problem at its field, and go to the first. Returns whether all of them have a field here. */
  #showProblems(problems: readonly Problem[]): boolean {
    const inputs = this.#shown();
    for (const input of inputs) {
      const problem = problems.find((one) => one.field === input.name);
      setText(find(this.#form, `#${input.id}-problem`, HTMLElement), problem ? aboutField(problem.message) : "");
      input.setAttribute("aria-invalid", String(problem !== undefined));
    }
    inputs.find((input) => input.getAttribute("aria-invalid") === "true")?.focus();
    return problems.length > 0 && problems.every((problem) => inputs.some((input) => input.name === problem.field));
  }

  #values(): Values {
    return Object.fromEntries(this.#shown().map((input) => [input.name, valueOf(input)]));
  }

  #shown(): Input[] {
    return [...this.#form.querySelectorAll<Input>("[data-of]:not([hidden]) :is(input, textarea, select)")];
  }

  #input(name: string): Input {
    const found = this.#form.querySelector<Input>(`[name="${name}"]`);
    if (!found) throw new Error(`The dialog has no field ${name}`);
    return found;
  }

  get #isBusy(): boolean {
    return this.#deed !== null && this.#underway.has(this.#deed);
  }

  #showBusy(): void {
    this.#submit.setAttribute("aria-disabled", String(this.#isBusy));
  }
}

function valueOf(input: Input): string {
  const isTick = input instanceof HTMLInputElement && input.type === "checkbox";
  return isTick ? String(input.checked) : input.value.trim();
}
