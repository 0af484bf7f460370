/** Wires the page of admins: the way in, the session, and one view at a time. Nothing is kept outside this page. */
import { AccountForm } from "../account.js";
import { field, find, setText } from "../elements.js";
import { NO_GRANTS } from "../grants.js";
import { Session } from "../session.js";
import { AuditView } from "./audit_view.js";
import { BoardView } from "./board_view.js";
import { DeedDialog } from "./deed.js";
import { ADMIN, AdminEntrance } from "./entrance.js";
import { KeyView } from "./key_view.js";
import { PlayerView } from "./player_view.js";
import { parse } from "./routes.js";
import { SearchView } from "./search_view.js";
const TITLE = document.documentElement.dataset["title"] ?? "Scoreboard";
const FAREWELL = {
    left: "You are signed out.",
    unheard: "You are signed out here, but the server could not be told.",
    ended: "Your session has ended. Sign in again.",
};
const desk = find(document, "#desk", HTMLElement);
const who = find(document, "#who", HTMLElement);
const entrance = find(document, "#sign-in", HTMLElement);
const said = find(document, "#said", HTMLElement);
const session = new Session(playerChanged, NO_GRANTS);
const dialog = new DeedDialog(find(document, "#deed", HTMLDialogElement), said);
const form = new AccountForm(find(entrance, "form", HTMLFormElement), new AdminEntrance(session));
const views = new Map([
    ["players", new SearchView(find(document, "#players", HTMLElement), session)],
    ["player", new PlayerView(find(document, "#player", HTMLElement), session, dialog)],
    ["boards", new BoardView(find(document, "#boards", HTMLElement), session, dialog)],
    ["audit", new AuditView(find(document, "#audit", HTMLElement), session)],
    ["keys", new KeyView(find(document, "#keys", HTMLElement), session)],
]);
const names = [...views.keys()];
find(who, "[data-part=sign-out]", HTMLButtonElement).addEventListener("click", () => void session.logOut());
addEventListener("hashchange", () => session.player && turn());
function playerChanged(player, farewell) {
    const isIn = player?.role === ADMIN;
    entrance.hidden = isIn;
    desk.hidden = who.hidden = !isIn;
    setText(field(who, "name"), isIn ? player.username : "");
    setText(said, "");
    if (isIn)
        return turn();
    dialog.forget();
    for (const view of views.values())
        view.clear();
    document.title = `Administration · ${TITLE}`;
    if (!player)
        form.invite("", (farewell && FAREWELL[farewell]) ?? "");
}
/** Turn to the view of the address, away from whatever was asked in the dialog, and put the focus on its heading. */
function turn() {
    const route = parse(location.hash, names);
    dialog.close();
    for (const name of names)
        find(document, `#${name}`, HTMLElement).hidden = name !== route.view;
    for (const link of document.querySelectorAll("#views a")) {
        if (link.dataset["view"]?.split(" ").includes(route.view))
            link.setAttribute("aria-current", "page");
        else
            link.removeAttribute("aria-current");
    }
    const heading = find(document, `#${route.view}-title`, HTMLElement);
    document.title = `${heading.textContent} · Administration · ${TITLE}`;
    setText(said, "");
    heading.focus();
    void views.get(route.view)?.show(route.subject);
}
