/** What can be achieved and what the player has, as the server tells it. Touches nothing outside. */

import { type JsonObject, integer, list, object, orNull, text } from "./json.js";

export interface Achievement {
  readonly id: string;
  /** Null for a secret one that the player does not have. */
  readonly title: string | null;
  readonly description: string | null;
  readonly icon: string | null;
  readonly repeats: boolean;
  /** The actions whose uses are steps. */
  readonly actions: readonly string[];
  /** The share of players who have it; null while nobody has counted. */
  readonly rarity: number | null;
}

export interface Unlock {
  readonly achievementId: string;
  readonly title: string | null;
  readonly icon: string | null;
  readonly unlockedAt: string;
  readonly scope: string;
}

export interface Progress {
  readonly achievementId: string;
  readonly steps: number;
  readonly goal: number;
}

export interface Row {
  readonly achievement: Achievement;
  /** How often it was unlocked, and when last. */
  readonly times: number;
  readonly unlockedAt: string | null;
  readonly steps: number | null;
  readonly goal: number | null;
}

export function readAchievements(body: JsonObject): readonly Achievement[] {
  return list(body["achievements"], (value) => {
    const told = object(value);
    const count = orNull(told["count"], object);
    return {
      id: text(told["id"]),
      title: orNull(told["title"], text),
      description: orNull(told["description"], text),
      icon: orNull(told["icon"], text),
      repeats: told["repeat"] === "period",
      actions: count ? list(count["actions"], text) : [],
      rarity: typeof told["rarity"] === "number" ? told["rarity"] : null,
    };
  });
}

export function readUnlock(value: unknown): Unlock {
  const told = object(value);
  return {
    achievementId: text(told["achievementId"]),
    title: orNull(told["title"], text),
    icon: orNull(told["icon"], text),
    unlockedAt: text(told["unlockedAt"]),
    scope: text(told["scope"]),
  };
}

export function readProgress(value: unknown): Progress {
  const told = object(value);
  return { achievementId: text(told["achievementId"]), steps: integer(told["steps"]), goal: integer(told["goal"]) };
}

/** What one player has. An unlock is known by its achievement and its scope, since it may be told twice. */
export class Collection {
  readonly #achievements: readonly Achievement[];
  readonly #unlocks = new Map<string, Unlock>();
  readonly #progress = new Map<string, Progress>();

  constructor(achievements: readonly Achievement[], own: JsonObject) {
    this.#achievements = achievements;
    for (const unlock of list(own["unlocked"], readUnlock)) this.learn(unlock);
    const progress = own["progress"] === undefined ? [] : list(own["progress"], readProgress);
    for (const each of progress) this.#progress.set(each.achievementId, each);
  }

  /** Whether it is news. */
  learn(unlock: Unlock): boolean {
    const name = nameOf(unlock);
    const isNew = !this.#unlocks.has(name);
    this.#unlocks.set(name, unlock);
    if (isNew) this.#progress.delete(unlock.achievementId);
    return isNew;
  }

  /** What another collection of the same player lacks. */
  beyond(earlier: Collection): readonly Unlock[] {
    return [...this.#unlocks.values()].filter((unlock) => !earlier.#unlocks.has(nameOf(unlock)));
  }

  /** Whether all of these are known to be unlocked. */
  hasAll(ids: readonly string[]): boolean {
    const known = new Set([...this.#unlocks.values()].map((unlock) => unlock.achievementId));
    return ids.every((id) => known.has(id));
  }

  /** Whether what this achievement is can be told. */
  canTell(id: string): boolean {
    return this.#achievements.some((one) => one.id === id && one.title !== null);
  }

  /** A use of an action has counted: one step more, but never the last, which the server tells. */
  count(actionId: string): void {
    for (const { id, actions } of this.#achievements) {
      const known = this.#progress.get(id);
      if (known && actions.includes(actionId)) {
        this.#progress.set(id, { ...known, steps: Math.min(known.goal - 1, known.steps + 1) });
      }
    }
  }

  /** What the player has, the newest first; then the others, the nearest first. */
  get rows(): readonly Row[] {
    const rows = this.#achievements.map((achievement) => this.#row(achievement));
    const share = ({ steps, goal }: Row): number => (steps === null || goal === null ? 0 : steps / goal);
    return rows.sort(
      (one, other) =>
        (other.unlockedAt ?? "").localeCompare(one.unlockedAt ?? "") ||
        Number(one.achievement.title === null) - Number(other.achievement.title === null) ||
        share(other) - share(one),
    );
  }

  #row(achievement: Achievement): Row {
    const own = [...this.#unlocks.values()].filter((unlock) => unlock.achievementId === achievement.id);
    const instants = own.map((unlock) => unlock.unlockedAt).sort();
    const progress = this.#progress.get(achievement.id);
    return {
      achievement,
      times: own.length,
      unlockedAt: instants.at(-1) ?? null,
      steps: progress?.steps ?? null,
      goal: progress?.goal ?? null,
    };
  }
}

function nameOf({ achievementId, scope }: Unlock): string {
  return `${achievementId} ${scope}`;
}
