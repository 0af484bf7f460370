/** The form for what others see of the player. It is filled when it is opened. */
import { ApiError } from "./api.js";
import { find, setText } from "./elements.js";
import { integer, object, orNull, text } from "./json.js";
import { Notice } from "./notice.js";
import { addressOf } from "./root.js";
import { limited, sentence } from "./sentences.js";
const PICTURES = 64;
export class ProfileForm {
    #box;
    #form;
    #session;
    #name;
    #country;
    #visibility;
    #pictures;
    #submit;
    #notice;
    #isBusy = false;
    constructor(box, session) {
        this.#box = box;
        this.#session = session;
        this.#form = find(box, "form", HTMLFormElement);
        this.#name = find(box, "[name=displayName]", HTMLInputElement);
        this.#country = find(box, "[name=country]", HTMLSelectElement);
        this.#visibility = find(box, "[name=visibility]", HTMLSelectElement);
        this.#pictures = find(box, ".pictures", HTMLFieldSetElement);
        this.#submit = find(box, "[type=submit]", HTMLButtonElement);
        this.#notice = new Notice(find(box, ".notice", HTMLElement));
        box.addEventListener("toggle", () => box.open && void this.#load());
        this.#form.addEventListener("submit", (event) => {
            event.preventDefault();
            void this.#save();
        });
    }
    /** Another player, or nobody, is signed in from now on. */
    close() {
        this.#box.open = false;
        this.#submit.disabled = true;
        this.#notice.clear();
    }
    async #load() {
        this.#notice.clear();
        this.#showChoices();
        await this.#ask({ method: "GET", path: "/api/me" });
    }
    async #save() {
        const avatar = new FormData(this.#form).get("avatar");
        const body = JSON.stringify({
            displayName: this.#name.value.trim() === "" ? null : this.#name.value,
            country: this.#country.value === "" ? null : this.#country.value,
            avatar: avatar === "" || avatar === null ? null : Number(avatar),
        });
        const visibility = JSON.stringify({ visibility: this.#visibility.value });
        this.#notice.clear();
        const isHidden = await this.#ask({ method: "POST", path: "/api/me/visibility", body: visibility });
        if (isHidden && (await this.#ask({ method: "POST", path: "/api/me/profile", body })))
            this.#notice.show("Saved.");
    }
    /** Ask, and show the answer; whether there was one. */
    async #ask(request) {
        if (this.#isBusy)
            return false;
        this.#isBusy = true;
        this.#showProblems(null);
        try {
            const { body } = await this.#session.call(request);
            if (body["profile"] !== undefined)
                this.#fill(object(body["profile"]), text(body["visibility"]));
            this.#submit.disabled = false;
            return true;
        }
        catch (error) {
            this.#showProblems(error);
            return false;
        }
        finally {
            this.#isBusy = false;
        }
    }
    #fill(profile, visibility) {
        this.#visibility.value = visibility;
        this.#name.value = orNull(profile["displayName"], text) ?? "";
        this.#country.value = orNull(profile["country"], text) ?? "";
        const avatar = orNull(profile["avatar"], integer);
        find(this.#pictures, `[value="${avatar ?? ""}"]`, HTMLInputElement).checked = true;
    }
    #showProblems(error) {
        const problems = error instanceof ApiError ? error.problems : [];
        for (const input of [this.#name, this.#country]) {
            const problem = problems.find((one) => one.field === input.name);
            setText(find(this.#form, `#${input.name}-problem`, HTMLElement), problem ? `It ${problem.message}.` : "");
            if (problem)
                input.setAttribute("aria-invalid", "true");
            else
                input.removeAttribute("aria-invalid");
        }
        if (error === null || problems.length > 0)
            return;
        const isLimited = error instanceof ApiError && error.status === 429 && error.retryAfterSeconds !== null;
        this.#notice.show(isLimited ? limited(error, error.retryAfterSeconds ?? 0) : sentence(error));
    }
    /** The countries in the reader's order, and the pictures: made once, when somebody looks. */
    #showChoices() {
        if (this.#country.options.length > 1)
            return;
        const names = new Intl.DisplayNames("en", { type: "region" });
        const codes = (this.#form.dataset["countries"] ?? "").split(" ");
        const named = codes.map((code) => ({ code, name: names.of(code) ?? code }));
        named.sort((one, other) => one.name.localeCompare(other.name, "en"));
        for (const { code, name } of named)
            this.#country.add(new Option(name, code));
        const none = find(this.#pictures, "label", HTMLLabelElement);
        for (let number = 0; number < PICTURES; number += 1) {
            const label = document.importNode(none, true);
            find(label, "input", HTMLInputElement).value = String(number);
            find(label, "input", HTMLInputElement).checked = false;
            const image = new Image(28, 28);
            image.loading = "lazy";
            image.alt = `Picture ${number + 1}`;
            image.src = addressOf(`/avatars/${number}.svg`).href;
            find(label, "span", HTMLElement).replaceChildren(image);
            this.#pictures.append(label);
        }
    }
}
