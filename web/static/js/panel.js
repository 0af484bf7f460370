/** The player's side of the page: the form while nobody is signed in, then their standing and the buttons. */
import { AccountForm } from "./account.js";
import { ActionButtons } from "./actions.js";
import { field, find, play, setText } from "./elements.js";
import { number, players } from "./format.js";
export class PlayerPanel {
    #signedOut;
    #signedIn;
    #name;
    #score;
    #rank;
    #total;
    #when;
    #form;
    #actions;
    constructor(root, session, onStanding) {
        this.#signedOut = find(root, "[data-part=signed-out]", HTMLElement);
        this.#signedIn = find(root, "[data-part=signed-in]", HTMLElement);
        this.#name = field(this.#signedIn, "name");
        this.#score = field(this.#signedIn, "own-score");
        this.#rank = field(this.#signedIn, "own-rank");
        this.#total = field(this.#signedIn, "own-total");
        this.#when = field(this.#signedIn, "own-when");
        this.#form = new AccountForm(find(root, "form", HTMLFormElement), session);
        this.#actions = new ActionButtons(this.#signedIn, session, onStanding);
        find(root, "[data-part=sign-out]", HTMLButtonElement).addEventListener("click", () => void session.logOut());
        root.hidden = false;
    }
    /** Turn to the player who signed in, or back to the form. */
    turnTo(player) {
        this.#signedOut.hidden = player !== null;
        this.#signedIn.hidden = player === null;
        this.#actions.clear();
        setText(this.#name, player?.username ?? "");
    }
    /** Put the focus where the player goes on. */
    focus() {
        this.#name.focus();
    }
    /** The player left or was sent away, for a reason or without one. */
    invite(username, reason) {
        this.#form.invite(username, reason);
    }
    /** `when` says of which period these points and this rank are. */
    show(board, standing, when) {
        const isOtherPeriod = setText(this.#when, when);
        const isOtherScore = setText(this.#score, standing ? number(standing.score) : "–");
        if (isOtherScore && !isOtherPeriod && standing?.lastUpdated) {
            play(this.#score, "has-scored");
        }
        setText(this.#rank, standing?.rank ? number(standing.rank) : "–");
        setText(this.#total, board ? `of ${players(board.total)}` : "");
    }
}
