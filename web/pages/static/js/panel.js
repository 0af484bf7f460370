/** The player's side of the page: the form while nobody is signed in, then their standing and the buttons. */
import { AccountForm } from "./account.js";
import { ActionButtons } from "./actions.js";
import { field, find, play, setText } from "./elements.js";
import { number, players } from "./format.js";
import { OwnAccount } from "./own_account.js";
import { ProfileForm } from "./profile.js";
import { pageOf } from "./root.js";
import { score } from "./scores.js";
import { Shelf } from "./shelf.js";
export class PlayerPanel {
    #name;
    #page;
    #boardId;
    #score;
    #rank;
    #total;
    #when;
    #form;
    #actions;
    #profile;
    #account;
    /** Null where there is nothing to achieve. */
    shelf;
    constructor(root, session, boardId, onStanding) {
        this.#boardId = boardId;
        const signedIn = find(root, "[data-part=signed-in]", HTMLElement);
        this.#name = field(signedIn, "name");
        this.#page = find(signedIn, "[data-part=own-page]", HTMLAnchorElement);
        this.#score = field(signedIn, "own-score");
        this.#rank = field(signedIn, "own-rank");
        this.#total = field(signedIn, "own-total");
        this.#when = field(signedIn, "own-when");
        this.#form = new AccountForm(find(root, "[data-part=signed-out] form", HTMLFormElement), session);
        const shelf = signedIn.querySelector("[data-part=shelf]");
        this.shelf = shelf && new Shelf(shelf, session);
        this.#actions = new ActionButtons(signedIn, session, onStanding, (actionId) => this.shelf?.count(actionId));
        this.#profile = new ProfileForm(find(root, "[data-part=profile]", HTMLDetailsElement), session);
        this.#account = new OwnAccount(find(root, "[data-part=own-account]", HTMLDetailsElement), session);
        find(root, "[data-part=sign-out]", HTMLButtonElement).addEventListener("click", () => void session.logOut());
    }
    /** Turn to the player who signed in, or back to the form. */
    turnTo(player) {
        document.documentElement.classList.toggle("is-signed-in", player !== null);
        this.#actions.clear();
        this.#profile.close();
        this.#account.turnTo(player);
        this.shelf?.turnTo(player);
        setText(this.#name, player?.username ?? "");
        document.documentElement.style.removeProperty("--player"); // which stood there until now
        if (player)
            this.#page.href = pageOf(player.userId, this.#boardId);
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
        const isOtherScore = setText(this.#score, standing ? score(standing.score) : "–");
        if (isOtherScore && !isOtherPeriod && standing?.lastUpdated) {
            play(this.#score, "has-scored");
        }
        setText(this.#rank, standing?.rank ? number(standing.rank) : "–");
        setText(this.#total, board ? `of ${players(board.total)}` : "");
    }
}
