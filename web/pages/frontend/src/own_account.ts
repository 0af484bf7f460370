/** What a player may do with their account: another password, a copy of all that is kept of them, and an end. */

import { ApiError } from "./api.js";
import { find, setText } from "./elements.js";
import { Notice } from "./notice.js";
import { aboutField, limited, sentence } from "./sentences.js";
import type { Player, Session } from "./session.js";

const NO_PASSWORD = "Enter your password.";

export class OwnAccount {
  readonly #box: HTMLDetailsElement;
  readonly #session: Session;
  readonly #forms: readonly HTMLFormElement[];
  #isBusy = false;

  constructor(box: HTMLDetailsElement, session: Session) {
    this.#box = box;
    this.#session = session;
    const changing = this.#form("new-password", (form, notice) => this.#change(form, notice));
    const copying = this.#form("copy", (_, notice) => this.#download(notice));
    const leaving = this.#form("erasure", (form, notice) => this.#erase(form, notice));
    this.#forms = [changing, copying, leaving];
  }

  /** Another player, or nobody, is signed in from now on. */
  turnTo(player: Player | null): void {
    this.#box.open = false;
    for (const form of this.#forms) {
      form.reset();
      showProblem(form, null);
      new Notice(find(form, ".notice", HTMLElement)).clear();
    }
    for (const input of this.#box.querySelectorAll<HTMLInputElement>("[name=username]")) {
      input.value = player?.username ?? ""; // so that a password manager knows whose password it is
    }
  }

  #form(part: string, act: (form: HTMLFormElement, notice: Notice) => Promise<void>): HTMLFormElement {
    const form = find(this.#box, `form[data-part=${part}]`, HTMLFormElement);
    const notice = new Notice(find(form, ".notice", HTMLElement));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#once(form, notice, act);
    });
    find(form, "[type=submit]", HTMLButtonElement).disabled = false; // until now a press would have left the page
    return form;
  }

  async #once(form: HTMLFormElement, notice: Notice, act: (form: HTMLFormElement, notice: Notice) => Promise<void>): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    notice.clear();
    showProblem(form, null);
    try {
      await act(form, notice);
    } catch (error) {
      showError(form, notice, error);
    } finally {
      this.#isBusy = false;
    }
  }

  async #change(form: HTMLFormElement, notice: Notice): Promise<void> {
    const current = find(form, "[name=currentPassword]", HTMLInputElement);
    const wanted = find(form, "[name=newPassword]", HTMLInputElement);
    if (current.value === "") return showProblem(form, { field: current.name, message: NO_PASSWORD });
    const body = JSON.stringify({ currentPassword: current.value, newPassword: wanted.value });
    await this.#session.call({ method: "POST", path: "/api/auth/password", body });
    form.reset();
    notice.show("Your password is changed. You are signed out everywhere else.");
  }

  async #download(notice: Notice): Promise<void> {
    const { body } = await this.#session.call({ method: "GET", path: "/api/me/export" });
    const file = new Blob([JSON.stringify(body, null, 2)], { type: "application/json" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = `scoreboard-${this.#session.player?.username ?? "player"}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    notice.show("It is on its way to your downloads.");
  }

  async #erase(form: HTMLFormElement, notice: Notice): Promise<void> {
    const password = find(form, "[name=password]", HTMLInputElement);
    if (password.value === "") return showProblem(form, { field: password.name, message: NO_PASSWORD });
    if (!find(form, "[name=sure]", HTMLInputElement).checked) {
      return notice.show("Tick the box first: this cannot be undone.");
    }
    const body = JSON.stringify({ password: password.value });
    await this.#session.call({ method: "POST", path: "/api/me/delete", body });
    this.#session.forget();
  }
}

function showError(form: HTMLFormElement, notice: Notice, error: unknown): void {
  if (!(error instanceof ApiError)) return notice.show(sentence(error));
  if (error.status === 429) return notice.show(limited(error, error.retryAfterSeconds ?? 1));
  const problem = error.problems.find(({ field }) => form.elements.namedItem(field) !== null);
  if (problem) {
    const isSame = /current|same|already/.test(problem.message);
    const message = isSame ? "That is your password already." : aboutField({ ...problem, field: "password" });
    return showProblem(form, { field: problem.field, message });
  }
  if (error.code !== "invalid_credentials") return notice.show(sentence(error));
  const asked = form.elements.namedItem("currentPassword") ?? form.elements.namedItem("password");
  if (asked instanceof HTMLInputElement) showProblem(form, { field: asked.name, message: "This is not your password." });
}

/** Show what is wrong with one field and go there; null takes it away. */
function showProblem(form: HTMLFormElement, problem: { field: string; message: string } | null): void {
  for (const input of form.querySelectorAll<HTMLInputElement>("input[type=password]")) {
    const message = input.name === problem?.field ? problem.message : "";
    setText(find(form, `#${input.id}-problem`, HTMLElement), message);
    input.setAttribute("aria-invalid", String(message !== ""));
    if (message !== "") input.focus();
  }
}
