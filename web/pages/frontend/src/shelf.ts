/** The shelf of the player who is signed in: what they have achieved, how far they are, and a word when they unlock. */

import { type Achievement, Collection, type Row, type Unlock, readAchievements } from "./achievements.js";
import { copy, field, find, setText } from "./elements.js";
import { day, number, share } from "./format.js";
import { Notice } from "./notice.js";
import type { Player, Session } from "./session.js";

const NOTICE_MS = 12_000;
const LOCKED_ICON = "lock";

export class Shelf {
  readonly #box: HTMLElement;
  readonly #session: Session;
  readonly #list: HTMLElement;
  readonly #template: HTMLTemplateElement;
  readonly #count: HTMLElement;
  readonly #notice: Notice;
  readonly #icons: string;
  #player: Player | null = null;
  #collection: Collection | null = null;
  #untold: Unlock[] = [];
  #isLoading = false;
  #rest: number | undefined;

  constructor(box: HTMLElement, session: Session) {
    this.#box = box;
    this.#session = session;
    this.#list = find(box, "ul", HTMLUListElement);
    this.#template = find(box, "template", HTMLTemplateElement);
    this.#count = field(box, "unlocked");
    this.#notice = new Notice(find(box, ".notice", HTMLElement));
    this.#icons = box.dataset["icons"] ?? "";
  }

  /** Another player, or nobody, is signed in from now on. */
  turnTo(player: Player | null): void {
    this.#player = player;
    this.#collection = null;
    this.#untold = [];
    this.#box.hidden = false; // its room is kept, so that nothing moves when it is filled
    setText(this.#count, "");
    this.#list.replaceChildren();
    this.#notice.clear();
    if (player) void this.#load();
  }

  /** The server has told all that the player has. */
  hear(ids: readonly string[]): void {
    if (this.#collection && !this.#collection.hasAll(ids)) void this.#load();
  }

  /** The player has unlocked something; it may be told twice. */
  unlock(unlock: Unlock): void {
    if (!this.#collection || this.#isLoading) {
      this.#untold.push(unlock);
      return;
    }
    if (!this.#collection.learn(unlock)) return;
    this.#tell([unlock]);
    if (this.#collection.canTell(unlock.achievementId)) this.#show();
    else void this.#load(); // it was secret until now
  }

  /** A use of an action has counted. */
  count(actionId: string): void {
    this.#collection?.count(actionId);
    this.#show();
  }

  async #load(): Promise<void> {
    const player = this.#player;
    if (!player || this.#isLoading) return;
    this.#isLoading = true;
    try {
      const [all, own] = await Promise.all([
        this.#session.call({ method: "GET", path: "/api/achievements" }),
        this.#session.call({ method: "GET", path: `/api/achievements/user/${player.userId}` }),
      ]);
      if (player === this.#player) this.#turnToCollection(new Collection(readAchievements(all.body), own.body));
    } catch {
      if (!this.#collection) this.#notice.show("What you have achieved cannot be read right now. Reload the page in a moment.");
    } finally {
      this.#isLoading = false;
      if (player !== this.#player) void this.#load();
    }
  }

  #turnToCollection(collection: Collection): void {
    const before = this.#collection;
    const untold = this.#untold.splice(0).filter((unlock) => collection.learn(unlock));
    this.#tell([...(before ? collection.beyond(before) : []), ...untold]);
    this.#collection = collection;
    this.#show();
  }

  /** Say it for a while. Nothing is in the way, and the focus stays where it is. */
  #tell(unlocks: readonly Unlock[]): void {
    const titles = [...new Set(unlocks.map((unlock) => unlock.title ?? "a secret"))];
    if (titles.length === 0) return;
    this.#notice.show(`Unlocked: ${titles.join(", ")}.`);
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.#notice.clear(), NOTICE_MS);
  }

  #show(): void {
    const rows = this.#collection?.rows ?? [];
    this.#box.hidden = rows.length === 0;
    setText(this.#count, `${number(rows.filter((row) => row.times > 0).length)} of ${number(rows.length)}`);
    while (this.#list.childElementCount > rows.length) this.#list.lastElementChild?.remove();
    while (this.#list.childElementCount < rows.length) this.#list.append(copy(this.#template, HTMLLIElement));
    rows.forEach((row, index) => {
      const item = this.#list.children[index];
      if (item instanceof HTMLLIElement) this.#showRow(item, row);
    });
  }

  #showRow(item: HTMLLIElement, { achievement, times, unlockedAt, steps, goal }: Row): void {
    item.dataset["achievement"] = achievement.id;
    item.dataset["state"] = times > 0 ? "unlocked" : "locked";
    find(item, "use", SVGUseElement).setAttribute("href", `${this.#icons}#${achievement.icon ?? LOCKED_ICON}`);
    setText(field(item, "title"), achievement.title ?? "Secret");
    setText(field(item, "about"), achievement.title === null ? "Unlock it to learn what it is." : achievement.description ?? "");
    setText(field(item, "state"), state(achievement, times, unlockedAt, steps, goal));
    const bar = find(item, "progress", HTMLProgressElement);
    bar.hidden = steps === null || goal === null;
    bar.max = goal ?? 1;
    bar.value = steps ?? 0;
    bar.setAttribute("aria-label", `Steps towards ${achievement.title ?? "a secret"}`);
  }
}

function state(
  { repeats, rarity }: Achievement,
  times: number,
  unlockedAt: string | null,
  steps: number | null,
  goal: number | null,
): string {
  const parts: string[] = [];
  if (unlockedAt !== null) parts.push(times > 1 ? `Unlocked ${number(times)} times` : `Unlocked ${day(unlockedAt)}`);
  if (steps !== null && goal !== null) parts.push(`${number(steps)} of ${number(goal)}${repeats && times > 0 ? " again" : ""}`);
  if (rarity !== null) parts.push(`${share(rarity)} of players`);
  return parts.join(" · ");
}
