/** Wires the page of admins: the way in, and one view at a time. Nothing is kept outside this page. */

import { find, setText } from "../elements.js";
import { AuditView } from "./audit_view.js";
import { BoardView } from "./board_view.js";
import { DeedDialog } from "./deed.js";
import { Door } from "./door.js";
import { KeyView } from "./key_view.js";
import { PlayerView } from "./player_view.js";
import { parse } from "./routes.js";
import { SearchView } from "./search_view.js";

interface View {
  /** Show it, anew from the server. */
  show(subject: string): Promise<void>;
  /** Leave nothing on the page. */
  clear(): void;
}

const TITLE = document.documentElement.dataset["title"] ?? "Scoreboard";

const said = find(document, "#said", HTMLElement);
const door = new Door(turned);
const { session } = door;
const dialog = new DeedDialog(find(document, "#deed", HTMLDialogElement), said);

const views: ReadonlyMap<string, View> = new Map<string, View>([
  ["players", new SearchView(find(document, "#players", HTMLElement), session)],
  ["player", new PlayerView(find(document, "#player", HTMLElement), session, dialog)],
  ["boards", new BoardView(find(document, "#boards", HTMLElement), session, dialog)],
  ["audit", new AuditView(find(document, "#audit", HTMLElement), session)],
  ["keys", new KeyView(find(document, "#keys", HTMLElement), session)],
]);
const names = [...views.keys()];

addEventListener("hashchange", () => session.player && turn());

function turned(isIn: boolean): void {
  setText(said, "");
  if (isIn) return turn();
  dialog.forget();
  for (const view of views.values()) view.clear();
  document.title = `Administration · ${TITLE}`;
}

/** Turn to the view of the address, away from whatever was asked in the dialog, and put the focus on its heading. */
function turn(): void {
  const route = parse(location.hash, names);
  dialog.close();
  for (const name of names) find(document, `#${name}`, HTMLElement).hidden = name !== route.view;
  for (const link of document.querySelectorAll<HTMLElement>("#views a")) {
    if (link.dataset["view"]?.split(" ").includes(route.view)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const heading = find(document, `#${route.view}-title`, HTMLElement);
  document.title = `${heading.textContent} · Administration · ${TITLE}`;
  setText(said, "");
  heading.focus();
  void views.get(route.view)?.show(route.subject);
}
