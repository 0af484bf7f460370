/** Wires the page: the live socket and the player's session on one side, what is shown on the other. */

import { Announcer } from "./announcer.js";
import type { Board } from "./board.js";
import * as clock from "./clock.js";
import { find } from "./elements.js";
import { TabGrants } from "./grants.js";
import { type Connection, Live } from "./live.js";
import * as scores from "./scores.js";
import { PlayerPanel } from "./panel.js";
import { RaceFold } from "./race_fold.js";
import { DEFAULT_BOARD, addressOf } from "./root.js";
import { SEASON_ID, Seasons } from "./seasons.js";
import { type Farewell, type Player, Session } from "./session.js";
import { type Standing, Standings, current, readStanding } from "./standing.js";
import { StatusView } from "./status.js";
import { ALL_TIME, type PeriodChoice, PeriodSwitch, SEASON } from "./switcher.js";
import { BoardTable } from "./table.js";
import { Tickets } from "./tickets.js";

const TIMES_EVERY_MS = 10_000;
const NEW_FOR_MS = 60_000;
const TITLE = document.documentElement.dataset["title"] ?? "Scoreboard";

const FAREWELL: Readonly<Record<Farewell, string>> = {
  left: "",
  unheard: "You are signed out here, but the server could not be told.",
  ended: "Your session has ended. Sign in again.",
  erased: "Your account is deleted.",
};

const periods = find(document, "#periods", HTMLElement);
const seasons = new Seasons(periods.dataset["seasons"]);
const table = new BoardTable(
  find(document, "#board", HTMLTableElement),
  find(document, "#row", HTMLTemplateElement),
  seasons,
);
scores.learn(table.format);
const announcer = new Announcer(find(document, "#news", HTMLElement));
const status = new StatusView(
  find(document, "#connection", HTMLElement),
  find(document, "#state", HTMLElement),
);
const asJson = find(document, "#as-json", HTMLAnchorElement);

clock.learn(Date.parse(document.documentElement.dataset["now"] ?? ""));

let board: Board | null = null;
let connection: Connection = "connecting";
let heardAt = table.isReadable ? Date.now() : null;
let standings = new Standings();
let begunAt = -Infinity;
let isDrawing = false;

const switcher = new PeriodSwitch(periods, periodChosen);
let shown: PeriodChoice = switcher.choice;

const session = new Session(playerChanged, new TabGrants());
const place = document.querySelector<HTMLElement>("#play"); // an operator may have taken it away
const panel = place && new PlayerPanel(place, session, table.boardId, (standing) => {
  if (table.boardId === DEFAULT_BOARD) learn(ALL_TIME, standing); // what an update is answered with is of this board
});
let player = session.player;
panel?.turnTo(player);
draw();

const race = new RaceFold(find(document, "#race", HTMLDetailsElement), session, {
  boardId: table.boardId,
  players: table.limit,
});
race.turnTo(table.periodId);

const tickets = new Tickets(session);
const address = addressOf(`/ws/scoreboard?board=${table.boardId}&limit=${table.limit}`);
address.protocol = address.protocol.replace("http", "ws");
const visitor = { mayWatch: () => !table.needsTicket || session.player !== null, ticket: () => tickets.next() };
const live = new Live(address, shown.name, visitor, {
  onBoard,
  onStanding,
  onUnlocks: (ids) => panel?.shelf?.hear(ids),
  onUnlock: (unlock) => panel?.shelf?.unlock(unlock),
  onConnection,
});
live.start();
table.showTimes();
setInterval(tick, TIMES_EVERY_MS);

/** Another period was chosen. What is shown says whose list it is until the other one comes. */
function periodChosen(): void {
  live.watch(switcher.choice.name);
  drawSoon();
}

function onBoard(next: Board): void {
  seasons.learn(next.season);
  if (!next.period.startsWith(SEASON_ID) || switcher.choice.name === SEASON) switcher.showSeason(next.season);
  const { choice } = switcher;
  const isSameChoice = choice.name === shown.name;
  if (isSameChoice && next.period !== (board?.period ?? table.periodId)) begunAt = Date.now();
  if (!isSameChoice) begunAt = -Infinity;
  shown = choice;
  board = next;
  race.turnTo(next.period);
  if (!tickets.wasGiven) void findOwnStanding(next.period);
  drawSoon();
}

function onStanding(standing: Standing): void {
  if (board) learn(board.period, standing);
}

function onConnection(next: Connection): void {
  if (next === "live") heardAt = Date.now();
  if (next === connection) return;
  connection = next;
  drawSoon();
}

function learn(periodId: string, standing: Standing): void {
  standings.learn(periodId, standing);
  drawSoon();
}

function playerChanged(next: Player | null, farewell: Farewell | null): void {
  const before = player;
  player = next;
  standings = new Standings();
  panel?.turnTo(player);
  if (player) panel?.focus();
  else panel?.invite(farewell === "erased" ? "" : before?.username ?? "", farewell ? FAREWELL[farewell] : "");
  live.watch(switcher.choice.name); // a socket is one player's, or nobody's
  drawSoon();
}

/** Where the player stands, asked for once; a socket that was opened with a ticket tells by itself. */
async function findOwnStanding(periodId: string): Promise<void> {
  const asked = player;
  const into = standings;
  if (!asked || !into.wants(periodId)) return;
  try {
    const { body } = await session.call({ method: "GET", path: `/api/scores/user/${asked.userId}?board=${table.boardId}&period=${periodId}` });
    into.learn(periodId, readStanding(body));
    drawSoon();
  } catch {
    // Not worth a word: the next update brings it.
  }
}

/** What changes as time goes by. */
function tick(): void {
  table.showTimes();
  drawSoon();
}

/** Once a frame of the screen, however much comes in; not at all while nobody looks. */
function drawSoon(): void {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(draw);
}

function draw(): void {
  isDrawing = false;
  const { choice } = switcher;
  const isAwaited = choice.name !== shown.name;
  const begun = Date.now() - begunAt < NEW_FOR_MS ? `A new ${shown.unit} has begun` : "";
  status.show({ connection, heardAt, awaited: isAwaited ? choice.label : "", begun: begun && `${begun}.` });
  table.isBusy = isAwaited;
  const standing = player && board ? current(standings.in(board.period), board, player.userId) : null;
  panel?.show(board, standing, shown.when);
  if (!board) return;
  document.title = shown.when ? `${shown.label} · ${TITLE}` : TITLE;
  const query = new URLSearchParams();
  if (table.boardId !== DEFAULT_BOARD) query.set("board", table.boardId);
  if (shown.when) query.set("period", shown.name);
  asJson.search = query.toString();
  table.show({ board, choice: shown, player, standing });
  announcer.look({ board, standing, opening: begun || shown.label });
}
