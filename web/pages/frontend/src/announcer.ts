/** News of the board for screen readers: only what matters, and never more often than it can be listened to. */

import type { Board } from "./board.js";
import { setText } from "./elements.js";
import { number, players } from "./format.js";
import { amount } from "./scores.js";
import type { Standing } from "./standing.js";

const INTERVAL_MS = 10_000;

export interface Scene {
  readonly board: Board;
  readonly standing: Standing | null;
  /** What introduces the list when it is another than before: `This week`, `A new week has begun`. */
  readonly opening: string;
}

/** What to say about the way from one scene to another: a new leader, and the player's own new rank. Pure. */
export function news(before: Scene, after: Scene): string {
  if (isAnother(before, after)) return introduction(after);
  const parts: string[] = [];
  const leader = after.board.entries[0];
  if (leader && leader.userId !== before.board.entries[0]?.userId) {
    parts.push(`${leader.username} leads with ${amount(leader.score)}.`);
  }
  const own = after.standing;
  if (own && own.rank !== null && own.rank !== before.standing?.rank) {
    parts.push(`You are number ${number(own.rank)} with ${amount(own.score)}.`);
  }
  return parts.join(" ");
}

export class Announcer {
  readonly #region: HTMLElement;
  #told: Scene | null = null;
  #latest: Scene | null = null;
  #rest: number | undefined;

  constructor(region: HTMLElement) {
    this.#region = region;
  }

  /** Say at once what is new, or when the last sentence has had its time. Another list is worth an interruption. */
  look(scene: Scene): void {
    this.#latest = scene;
    if (this.#rest === undefined || (this.#told && isAnother(this.#told, scene))) this.#tell();
  }

  #tell(): void {
    clearTimeout(this.#rest);
    this.#rest = undefined;
    const text = this.#told && this.#latest ? news(this.#told, this.#latest) : "";
    this.#told = this.#latest;
    if (text === "") return;
    setText(this.#region, text);
    this.#rest = setTimeout(() => this.#tell(), INTERVAL_MS);
  }
}

function isAnother(before: Scene, after: Scene): boolean {
  return before.board.period !== after.board.period;
}

function introduction({ board, opening }: Scene): string {
  const leader = board.entries[0];
  if (!leader) return `${opening}: nobody has scored yet.`;
  return `${opening}: ${players(board.total)}. ${leader.username} leads with ${amount(leader.score)}.`;
}
