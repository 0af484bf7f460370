/** Wires the page: the live socket and the player's session on one side, what is shown on the other. */
import { Announcer } from "./announcer.js";
import { find, setText } from "./elements.js";
import { timeOfDay } from "./format.js";
import { Live } from "./live.js";
import { PlayerPanel } from "./panel.js";
import { Session } from "./session.js";
import { current, later, readStanding } from "./standing.js";
import { BoardTable } from "./table.js";
const TIMES_EVERY_MS = 10_000;
const PILL = {
    connecting: "Connecting",
    live: "Live",
    reconnecting: "Reconnecting",
    offline: "Offline",
};
const FAREWELL = {
    left: "",
    unheard: "You are signed out here, but the server could not be told.",
    ended: "Your session has ended. Sign in again.",
};
const table = new BoardTable(find(document, "#board", HTMLTableElement), find(document, "#row", HTMLTemplateElement));
const announcer = new Announcer(find(document, "#news", HTMLElement));
const pill = find(document, "#connection", HTMLElement);
const pillText = find(pill, "[role=status]", HTMLElement);
const stale = find(document, "#stale", HTMLElement);
find(document, ".jump", HTMLElement).hidden = false;
let board = null;
let connection = "connecting";
let heardAt = Date.now();
let told = null;
let isDrawing = false;
const session = new Session(playerChanged);
const panel = new PlayerPanel(find(document, "#play", HTMLElement), session, learn);
let player = session.player;
panel.turnTo(player);
void findOwnStanding();
draw();
const address = new URL(`/ws/scoreboard?limit=${table.limit}`, location.href.replace(/^http/, "ws"));
new Live(address, { onBoard, onConnection }).start();
table.showTimes();
setInterval(() => table.showTimes(), TIMES_EVERY_MS);
function onBoard(next) {
    board = next;
    drawSoon();
}
function onConnection(next) {
    if (next === "live")
        heardAt = Date.now();
    if (next === connection)
        return;
    connection = next;
    drawSoon();
}
function learn(standing) {
    told = later(told, standing);
    drawSoon();
}
function playerChanged(next, farewell) {
    const before = player;
    player = next;
    told = null;
    panel.turnTo(player);
    if (player)
        panel.focus();
    else
        panel.invite(before?.username ?? "", farewell ? FAREWELL[farewell] : "");
    void findOwnStanding();
    drawSoon();
}
/** Where the player stands when they come; from then on their updates and the board tell. */
async function findOwnStanding() {
    const asked = player;
    if (!asked)
        return;
    try {
        const { body } = await session.call({ method: "GET", path: `/api/scores/user/${asked.userId}` });
        if (asked === player)
            learn(readStanding(body));
    }
    catch {
        // Not worth a word: the next update brings it.
    }
}
/** Once a frame of the screen, however much comes in; not at all while nobody looks. */
function drawSoon() {
    if (isDrawing)
        return;
    isDrawing = true;
    requestAnimationFrame(draw);
}
function draw() {
    isDrawing = false;
    pill.hidden = false;
    pill.dataset["state"] = connection;
    setText(pillText, PILL[connection]);
    const isStale = connection === "reconnecting" || connection === "offline";
    setText(stale, isStale ? `As it stood at ${timeOfDay(heardAt)}.` : "");
    const standing = player ? current(told, board, player.userId) : null;
    panel.show(board, standing);
    if (!board)
        return;
    table.show(board, player, standing);
    announcer.look({ board, standing });
}
