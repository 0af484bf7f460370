/** Wires the page of a player: who it is, their days on a board, their final places, and what they have achieved. */

import { type Answer, ApiError, type Call, call } from "../api.js";
import { field, find, setText } from "../elements.js";
import { number, players } from "../format.js";
import { TabGrants } from "../grants.js";
import { object } from "../json.js";
import { DEFAULT_BOARD, addressOf } from "../root.js";
import { scoreText } from "../scores.js";
import { sentence } from "../sentences.js";
import { Session, SignedOut } from "../session.js";
import { BoardNames } from "./board_names.js";
import { DaysView } from "./days_view.js";
import { PlacementsView } from "./placements_view.js";
import { type Person, readBoards, readDays, readPerson } from "./player.js";
import { ShelfView } from "./shelf_view.js";

const TITLE = document.documentElement.dataset["title"] ?? "Scoreboard";
const NOBODY = "There is no such player, or they do not want to be seen.";

const userId = decodeURIComponent(location.pathname.split("/").at(-1) ?? "").toLowerCase();
const session = new Session(() => location.reload(), new TabGrants());
const said = find(document, "#said", HTMLElement);
const select = find(document, "#board-choice", HTMLSelectElement);
const names = new BoardNames(select, new URLSearchParams(location.search).get("board") ?? DEFAULT_BOARD);
const days = new DaysView(find(document, "#days", HTMLElement));
const placements = new PlacementsView(find(document, "#placements", HTMLElement), names, askOfPlayer);
const shelf = new ShelfView(find(document, "#achievements", HTMLElement), ask);
let asked = 0;

select.addEventListener("change", () => {
  const address = new URL(location.href);
  if (names.chosen === DEFAULT_BOARD) address.searchParams.delete("board");
  else address.searchParams.set("board", names.chosen);
  history.replaceState(null, "", address);
  void showBoard();
});
void begin();

async function begin(): Promise<void> {
  if (!(await showBoard())) return;
  find(document, "#body", HTMLElement).hidden = false;
  await Promise.all([offerBoards(), placements.load(), shelf.load(userId)]);
}

/** Show where the player stands on the chosen board, and stood; false if there is nobody to show. */
async function showBoard(): Promise<boolean> {
  asked += 1;
  const mine = asked;
  const board = names.chosen;
  try {
    const { person, history } = await read(board);
    if (mine !== asked) return true;
    setText(said, "");
    showPerson(person, board);
    if (history) days.show(readDays(history), names.formatOf(board));
    else days.hide();
    find(document, "#no-days", HTMLElement).hidden = history !== null;
    return true;
  } catch (error) {
    if (mine === asked) setText(said, error instanceof ApiError && error.status === 404 ? NOBODY : sentence(error));
    return false;
  }
}

async function read(board: string): Promise<{ person: Person; history: Answer["body"] | null }> {
  const query = new URLSearchParams({ board });
  if (names.mayHaveHistory(board)) {
    try {
      const { body } = await askOfPlayer(`history?${query}`);
      return { person: readPerson(object(body["now"])), history: body };
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "no_history") throw error;
    }
  }
  const { body } = await ask(`/api/scores/user/${userId}?${query}`);
  return { person: readPerson(body), history: null };
}

async function offerBoards(): Promise<void> {
  try {
    names.offer(readBoards((await askOfPlayer("boards")).body));
  } catch {
    // The board that is shown stays the only choice.
  }
  find(document, "#board-field", HTMLElement).hidden = select.options.length < 2;
}

function showPerson(person: Person, board: string): void {
  const name = person.displayName ?? person.username;
  document.title = `${name} · ${TITLE}`;
  const head = find(document, "#who", HTMLElement);
  setText(field(head, "name"), name);
  showIf(field(head, "handle"), person.displayName === null ? "" : `@${person.username}`);
  showIf(field(head, "country"), person.country ?? "");
  const picture = find(head, ".picture", HTMLImageElement);
  picture.hidden = person.avatar === null;
  if (person.avatar !== null) picture.src = addressOf(`/avatars/${person.avatar}.svg`).href;
  showIf(find(document, "#veil", HTMLElement), person.veil);
  setText(find(document, "#score", HTMLElement), scoreText(person.score, names.formatOf(board)));
  setText(find(document, "#rank", HTMLElement), person.rank === null ? "–" : number(person.rank));
  setText(find(document, "#total", HTMLElement), `of ${players(person.total)}`);
}

function showIf(element: HTMLElement, words: string): void {
  element.hidden = words === "";
  setText(element, words);
}

function askOfPlayer(path: string): Promise<Answer> {
  return ask(`/api/scores/user/${userId}/${path}`);
}

/** As the player of this tab, if there is one: the page of who is not named is their own. */
async function ask(path: string): Promise<Answer> {
  const request: Call = { method: "GET", path };
  if (session.player === null) return call(request);
  try {
    return await session.call(request);
  } catch (error) {
    if (error instanceof SignedOut) return call(request);
    throw error;
  }
}
