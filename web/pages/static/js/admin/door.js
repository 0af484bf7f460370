/** The door to a page of admins: the form, the session, and who is in. Nothing is kept outside the page. */
import { AccountForm } from "../account.js";
import { field, find, setText } from "../elements.js";
import { NO_GRANTS } from "../grants.js";
import { Session } from "../session.js";
import { ADMIN, AdminEntrance } from "./entrance.js";
const FAREWELL = {
    left: "You are signed out.",
    unheard: "You are signed out here, but the server could not be told.",
    ended: "Your session has ended. Sign in again.",
};
export class Door {
    session;
    #entrance = find(document, "#sign-in", HTMLElement);
    #desk = find(document, "#desk", HTMLElement);
    #who = find(document, "#who", HTMLElement);
    #form;
    #onTurn;
    /** `onTurn` hears of everybody who comes in and of everybody who leaves: nothing of theirs may stay on the page. */
    constructor(onTurn) {
        this.#onTurn = onTurn;
        this.session = new Session((player, farewell) => this.#changed(player, farewell), NO_GRANTS);
        this.#form = new AccountForm(find(this.#entrance, "form", HTMLFormElement), new AdminEntrance(this.session));
        const leave = find(this.#who, "[data-part=sign-out]", HTMLButtonElement);
        leave.addEventListener("click", () => void this.session.logOut());
    }
    #changed(player, farewell) {
        const isIn = player?.role === ADMIN;
        this.#entrance.hidden = isIn;
        this.#desk.hidden = this.#who.hidden = !isIn;
        setText(field(this.#who, "name"), isIn ? player.username : "");
        this.#onTurn(isIn);
        if (!player)
            this.#form.invite("", (farewell && FAREWELL[farewell]) ?? "");
    }
}
