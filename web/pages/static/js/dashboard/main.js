/** Wires the dashboard: the way in, its five rows, and the view of one player. Nothing is kept outside this page. */
import { AuditView } from "../admin/audit_view.js";
import { BoardView } from "../admin/board_view.js";
import { DeedDialog } from "../admin/deed.js";
import { Door } from "../admin/door.js";
import { PlayerView } from "../admin/player_view.js";
import { parse } from "../admin/routes.js";
import { SearchView } from "../admin/search_view.js";
import { find, setText } from "../elements.js";
import { BoardCells } from "./board_cells.js";
import { GameRow } from "./game_row.js";
import { ServiceRows } from "./rows.js";
import { Watch } from "./watch.js";
const TITLE = document.documentElement.dataset["title"] ?? "Scoreboard";
/** The rows, and the view of one player, which takes the place of all of them. */
const ROWS = ["now", "pipeline", "game", "boards", "players", "audit"];
const PLAYER = "player";
const place = (name) => find(document, `#${name}`, HTMLElement);
const said = place("said");
const door = new Door(turned);
const { session } = door;
const dialog = new DeedDialog(find(document, "#deed", HTMLDialogElement), said);
const cells = new BoardCells();
const service = new ServiceRows(place("now"), place("pipeline"));
const game = new GameRow(place("game"), session);
const boards = new BoardView(place("boards"), session, dialog, cells);
const search = new SearchView(place("players"), session);
const audit = new AuditView(place("audit"), session);
const player = new PlayerView(place(PLAYER), session, dialog);
const watch = new Watch(place("now"), session, (timeline, now) => {
    service.show(timeline, now);
    cells.show(now.boards);
});
place("players").hidden = place("audit").hidden = false;
addEventListener("hashchange", () => session.player && turn());
function turned(isIn) {
    setText(said, "");
    if (isIn) {
        watch.start();
        void game.show();
        void boards.show();
        void audit.show("");
        return turn();
    }
    dialog.forget();
    watch.stop();
    for (const row of [service, game, boards, cells, search, audit, player])
        row.clear();
    document.title = `Dashboard · ${TITLE}`;
}
/** Turn to the row of the address, or to the player whom it names, and put the focus on its heading. */
function turn() {
    const route = parse(location.hash, [...ROWS, PLAYER]);
    dialog.close();
    place("rows").hidden = route.view === PLAYER;
    place(PLAYER).hidden = route.view !== PLAYER;
    setText(said, "");
    const heading = place(`${route.view}-title`);
    document.title = `${heading.textContent} · Dashboard · ${TITLE}`;
    heading.focus({ preventScroll: true });
    if (location.hash !== "")
        heading.scrollIntoView();
    if (route.view === PLAYER)
        void player.show(route.subject);
    if (route.view === "audit" && route.subject !== "")
        void audit.show(route.subject);
}
