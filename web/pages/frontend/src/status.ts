/** How fresh the list is: the pill in the corner, and a sentence below the list when there is more to say. */

import { find, setText } from "./elements.js";
import { timeOfDay } from "./format.js";
import type { Connection } from "./live.js";

const PILL: Readonly<Record<Connection, readonly [state: string, text: string]>> = {
  connecting: ["connecting", "Connecting"],
  live: ["live", "Live"],
  reconnecting: ["reconnecting", "Reconnecting"],
  waiting: ["reconnecting", "Reconnecting"],
  offline: ["offline", "Offline"],
  "signed-out": ["signed-out", "Signed out"],
};

const UNREADABLE = "The list cannot be read right now. It comes back by itself.";

export interface Status {
  readonly connection: Connection;
  /** Unix ms of the last sign of the server; null while there is no list at all, which the table says itself. */
  readonly heardAt: number | null;
  /** What was chosen and is not shown yet; empty if nothing is. */
  readonly awaited: string;
  /** What has just begun anew; empty if nothing has. */
  readonly begun: string;
}

/** What to say below the list. Pure. */
export function sentenceOf({ connection, heardAt, awaited, begun }: Status): string {
  if (connection === "live") return begun;
  const parts: string[] = [];
  if (heardAt !== null && connection === "waiting") parts.push(UNREADABLE);
  if (heardAt !== null && connection !== "connecting") parts.push(`As it stood at ${timeOfDay(heardAt)}.`);
  if (awaited !== "") parts.push(`“${awaited}” is on its way.`);
  return parts.join(" ");
}

export class StatusView {
  readonly #pill: HTMLElement;
  readonly #pillText: HTMLElement;
  readonly #line: HTMLElement;

  constructor(pill: HTMLElement, line: HTMLElement) {
    this.#pill = pill;
    this.#pillText = find(pill, "[role=status]", HTMLElement);
    this.#line = line;
  }

  show(status: Status): void {
    const [state, text] = PILL[status.connection];
    this.#pill.dataset["state"] = state;
    setText(this.#pillText, text);
    setText(this.#line, sentenceOf(status));
  }
}
