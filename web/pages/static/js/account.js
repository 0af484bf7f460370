/** The form to sign up and to sign in: one form, of which a choice says which it is. Without a choice it signs in. */
import { ApiError, call } from "./api.js";
import { find, setText } from "./elements.js";
import { Notice } from "./notice.js";
import { aboutField, limited, problemsOfKnown, problemsOfNew, sentence } from "./sentences.js";
export class AccountForm {
    #form;
    #entrance;
    #username;
    #password;
    #submit;
    #notice;
    #isBusy = false;
    constructor(form, entrance) {
        this.#form = form;
        this.#entrance = entrance;
        this.#username = find(form, "[name=username]", HTMLInputElement);
        this.#password = find(form, "[name=password]", HTMLInputElement);
        this.#submit = find(form, "[type=submit]", HTMLButtonElement);
        this.#notice = new Notice(find(form, ".notice", HTMLElement));
        form.addEventListener("submit", (event) => {
            event.preventDefault();
            void this.#send();
        });
        form.addEventListener("change", (event) => event.target instanceof HTMLInputElement && this.#changed(event.target));
        this.#showMode();
        this.#submit.disabled = false; // until now a press would have left the page
    }
    /** Ask for a login, with the reason if there is one. */
    invite(username, reason) {
        const known = this.#form.querySelector("[name=mode][value=login]");
        if (known)
            known.checked = true;
        this.#showMode();
        this.#username.value = username;
        this.#notice.show(reason);
        this.#password.focus();
    }
    get #isNew() {
        return new FormData(this.#form).get("mode") === "register";
    }
    #changed(input) {
        if (input.name === "mode")
            this.#showMode();
        if (input.name === "reveal")
            this.#password.type = input.checked ? "text" : "password";
    }
    #showMode() {
        this.#showProblems([]);
        this.#notice.clear();
        setText(this.#submit, this.#isNew ? "Create account" : "Sign in");
        this.#password.autocomplete = this.#isNew ? "new-password" : "current-password";
        for (const hint of this.#form.querySelectorAll(".hint"))
            hint.hidden = !this.#isNew;
    }
    async #send() {
        if (this.#isBusy)
            return;
        const username = this.#username.value.trim();
        const password = this.#password.value;
        const check = this.#isNew ? problemsOfNew : problemsOfKnown;
        this.#notice.clear();
        if (this.#showProblems(check(username, password)))
            return;
        this.#setBusy(true);
        try {
            if (this.#isNew)
                await register(username, password);
            await this.#entrance.logIn(username, password);
            this.#form.reset();
            this.#password.type = "password";
        }
        catch (error) {
            this.#showError(error);
        }
        finally {
            this.#setBusy(false);
        }
    }
    #showError(error) {
        if (!(error instanceof ApiError)) {
            this.#notice.show(sentence(error));
        }
        else if (error.status === 429) {
            this.#notice.countDown(error.retryAfterSeconds ?? 1, (left) => limited(error, left));
        }
        else if (error.code === "username_taken") {
            this.#showProblems([{ field: "username", message: sentence(error) }]);
        }
        else if (!this.#showProblems(error.problems.map(said))) {
            this.#notice.show(sentence(error));
        }
    }
    /** Show each problem at its field and go to the first. Returns whether there was one that has a field here. */
    #showProblems(problems) {
        const inputs = [this.#username, this.#password];
        for (const input of inputs) {
            const message = problems.find((problem) => problem.field === input.name)?.message ?? "";
            input.setAttribute("aria-invalid", String(message !== ""));
            setText(find(this.#form, `#${input.name}-problem`, HTMLElement), message);
        }
        const first = inputs.find((input) => input.getAttribute("aria-invalid") === "true");
        first?.focus();
        return first !== undefined;
    }
    #setBusy(isBusy) {
        this.#isBusy = isBusy;
        this.#submit.setAttribute("aria-disabled", String(isBusy));
    }
}
async function register(username, password) {
    await call({ method: "POST", path: "/api/auth/register", body: JSON.stringify({ username, password }) });
}
function said(problem) {
    return { field: problem.field, message: aboutField(problem) };
}
