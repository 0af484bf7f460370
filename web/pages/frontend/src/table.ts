/** The top list as table rows: one row per player, moved and not remade, so that eyes can follow it. */

import { type Board, type Entry, doubled, isStandIn, nameOf } from "./board.js";
import { Caption } from "./caption.js";
import * as clock from "./clock.js";
import { copy, field, find, play, setText } from "./elements.js";
import { ago, number } from "./format.js";
import { Motion } from "./motion.js";
import { Movement, arrow, direction } from "./movement.js";
import { addressOf, pageOf } from "./root.js";
import { score } from "./scores.js";
import type { Seasons } from "./seasons.js";
import type { Player } from "./session.js";
import type { Standing } from "./standing.js";
import type { PeriodChoice } from "./switcher.js";

/** A board, the period in the page's words, and who looks. */
export interface View {
  readonly board: Board;
  readonly choice: PeriodChoice;
  readonly player: Player | null;
  readonly standing: Standing | null;
}

export class BoardTable {
  /** How many rows it has room for. */
  readonly limit: number;
  readonly boardId: string;
  /** Whether the board is sent live to players alone. */
  readonly needsTicket: boolean;
  /** How scores are written, as `scores.ts` reads it. */
  readonly format: string;
  readonly #table: HTMLTableElement;
  readonly #caption: Caption;
  readonly #head: HTMLTableSectionElement;
  readonly #own: HTMLTableSectionElement;
  readonly #empty: HTMLTableSectionElement;
  readonly #unreadable: Element | null;
  readonly #template: HTMLTemplateElement;
  readonly #rows = new Map<string, HTMLTableRowElement>();
  readonly #motion = new Motion();
  readonly #movement: Movement;
  #ownRow: HTMLTableRowElement | null = null;
  #periodId: string;

  /** Takes over the rows that the server rendered. */
  constructor(table: HTMLTableElement, template: HTMLTemplateElement, seasons: Seasons) {
    this.limit = Number(table.dataset["limit"]);
    this.boardId = table.dataset["board"] ?? "";
    this.needsTicket = "needsTicket" in table.dataset;
    this.format = table.dataset["format"] ?? "";
    this.#periodId = table.dataset["periodId"] ?? "";
    this.#table = table;
    this.#caption = new Caption(table, this.limit, seasons);
    this.#head = find(table, "[data-part=top]", HTMLTableSectionElement);
    this.#own = find(table, "[data-part=own]", HTMLTableSectionElement);
    this.#empty = find(table, "[data-part=empty]", HTMLTableSectionElement);
    this.#unreadable = table.querySelector("[data-part=unreadable]");
    this.#template = template;
    for (const row of this.#head.rows) this.#rows.set(row.dataset["userId"] ?? "", row);
    this.#movement = new Movement(this.#periodId, this.#rows);
  }

  /** The id of the period whose rows are shown. */
  get periodId(): string {
    return this.#periodId;
  }

  /** Whether the server had a list to render. */
  get isReadable(): boolean {
    return this.#unreadable === null;
  }

  /** Whether what is shown is about to be replaced, because another period was chosen. */
  set isBusy(isBusy: boolean) {
    this.#table.setAttribute("aria-busy", String(isBusy));
  }

  show({ board, choice, player, standing }: View): void {
    if (board.period !== this.#periodId) this.#keepOnly(new Set()); // rows of another list did not move here
    this.#periodId = board.period;
    const before = this.#motion.placesOf(this.#rows.values());
    this.#keepOnly(new Set(board.entries.map((entry) => entry.userId)));
    const own = ownId(player, standing);
    const withHandles = doubled(board.entries);
    board.entries.forEach((entry, index) => this.#place(entry, index, own, withHandles.has(entry.userId)));
    this.#motion.play(before);
    this.#showOwn(board, player, standing);
    this.#unreadable?.remove();
    this.#empty.hidden = board.entries.length > 0;
    this.#caption.show(board, choice);
  }

  /** Say anew how long ago everybody scored, and how long the period lasts. */
  showTimes(): void {
    this.#caption.showEnding(this.#periodId);
    for (const row of this.#rows.values()) showTime(row);
    if (this.#ownRow) showTime(this.#ownRow);
  }

  #keepOnly(userIds: ReadonlySet<string>): void {
    for (const [userId, row] of this.#rows) {
      if (userIds.has(userId)) continue;
      row.remove();
      this.#rows.delete(userId);
    }
  }

  #place(entry: Entry, index: number, own: string | null, hasHandle: boolean): void {
    const known = this.#rows.get(entry.userId);
    const row = known ?? copy(this.#template, HTMLTableRowElement);
    if (known) mark(row, entry);
    this.#rows.set(entry.userId, row);
    fill(row, entry, entry.userId === own, hasHandle);
    link(row, entry.userId, this.boardId);
    this.#movement.show(row, this.#periodId);
    if (this.#head.rows[index] !== row) this.#head.insertBefore(row, this.#head.rows[index] ?? null);
    if (!known) play(row, "is-new");
  }

  /** The player's own row below the list, while they are not on it. */
  #showOwn(board: Board, player: Player | null, standing: Standing | null): void {
    const isBelow = player !== null && standing?.rank != null && !this.#rows.has(ownId(player, standing) ?? "");
    this.#own.hidden = !isBelow || board.entries.length === 0;
    if (!isBelow) return;
    this.#ownRow ??= this.#own.appendChild(copy(this.#template, HTMLTableRowElement));
    const { score, rank, lastUpdated } = standing as Standing & { rank: number };
    const named = { ...player, displayName: null, country: null, avatar: null };
    fill(this.#ownRow, { ...named, score, rank, lastUpdated: lastUpdated ?? "" }, true, false);
    link(this.#ownRow, named.userId, this.boardId);
  }
}

/** The id under which the player stands on boards. */
function ownId(player: Player | null, standing: Standing | null): string | null {
  return player && (standing?.listedAs ?? player.userId);
}

function fill(row: HTMLTableRowElement, entry: Entry, isOwn: boolean, hasHandle: boolean): void {
  row.dataset["userId"] = entry.userId;
  row.dataset["rank"] = String(entry.rank);
  row.dataset["score"] = String(entry.score);
  row.classList.toggle("is-own", isOwn);
  field(row, "you").hidden = !isOwn;
  setText(field(row, "rank"), number(entry.rank));
  setText(field(row, "username"), nameOf(entry));
  showIf(field(row, "handle"), hasHandle ? `@${entry.username}` : "");
  showIf(field(row, "country"), entry.country ?? "");
  showPicture(row, entry.avatar);
  setText(field(row, "score"), score(entry.score));
  find(row, "time", HTMLTimeElement).dateTime = entry.lastUpdated;
  showTime(row);
}

/** The name leads to the page of the player, unless they are not named. */
function link(row: HTMLTableRowElement, userId: string, boardId: string): void {
  const name = find(row, ".name", HTMLAnchorElement);
  if (isStandIn(userId)) name.removeAttribute("href");
  else name.href = pageOf(userId, boardId);
}

function showIf(element: HTMLElement, text: string): void {
  element.hidden = text === "";
  setText(element, text);
}

/** The picture stands before the name, in rows of players who have chosen one. */
function showPicture(row: HTMLTableRowElement, avatar: number | null): void {
  const shown = row.querySelector<HTMLImageElement>(".picture");
  if (avatar === null) {
    shown?.remove();
    return;
  }
  const image = shown ?? new Image(28, 28);
  image.className = "picture";
  image.alt = "";
  const address = addressOf(`/avatars/${avatar}.svg`).href;
  if (image.src !== address) image.src = address;
  if (!shown) field(row, "username").before(image);
}

/** Mark what changed: the score by a flash, the rank by an arrow with the places gained or lost. */
function mark(row: HTMLTableRowElement, entry: Entry): void {
  if (Number(row.dataset["score"]) !== entry.score) play(row, "has-scored");
  const places = Number(row.dataset["rank"]) - entry.rank;
  if (places === 0) return;
  const moved = field(row, "moved");
  moved.dataset["direction"] = direction(places);
  moved.textContent = arrow(places);
  play(moved, "is-fresh");
}

function showTime(row: HTMLTableRowElement): void {
  const time = find(row, "time", HTMLTimeElement);
  setText(time, time.dateTime ? ago(time.dateTime, clock.now()) : "");
}
