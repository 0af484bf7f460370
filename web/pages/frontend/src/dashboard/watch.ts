/** Asks for the metrics every five seconds while the page is looked at, and says when they stand still. */

import { find, setText } from "../elements.js";
import { timeOfDay } from "../format.js";
import { object, text } from "../json.js";
import { Notice } from "../notice.js";
import { SignedOut, type Session } from "../session.js";
import { tell } from "../admin/failure.js";
import { query } from "../admin/paged.js";
import { type Now, readNow } from "./now.js";
import { type Sample, type Timeline, kept, readSamples, timeline } from "./samples.js";

const EVERY_MS = 5_000;

export class Watch {
  readonly #session: Session;
  readonly #notice: Notice;
  readonly #asOf: HTMLElement;
  readonly #onNews: (timeline: Timeline, now: Now) => void;
  #samples: readonly Sample[] = [];
  #timer: number | undefined;
  #asking = 0;

  constructor(root: HTMLElement, session: Session, onNews: (timeline: Timeline, now: Now) => void) {
    this.#session = session;
    this.#onNews = onNews;
    this.#notice = new Notice(find(root, ".notice", HTMLElement));
    this.#asOf = find(root, "[data-part=as-of]", HTMLElement);
    document.addEventListener("visibilitychange", () => this.#timer !== undefined && this.#resume());
  }

  start(): void {
    this.stop();
    void this.#ask();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#asking += 1;
    this.#samples = [];
    this.#notice.clear();
    setText(this.#asOf, "");
  }

  #resume(): void {
    clearTimeout(this.#timer);
    if (!document.hidden) void this.#ask();
  }

  async #ask(): Promise<void> {
    const asking = (this.#asking += 1);
    try {
      const last = this.#samples.at(-1);
      const since = last ? new Date(last.at * 1000).toISOString() : null;
      const path = `/api/admin/metrics${query({ since })}`;
      const { body } = await this.#session.call({ method: "GET", path });
      if (asking !== this.#asking) return;
      const now = readNow(object(body["now"]));
      this.#samples = kept(this.#samples, readSamples(body), now.at);
      this.#say(text(body["history"]) === "away", now);
      this.#onNews(timeline(this.#samples), now);
    } catch (error) {
      if (asking !== this.#asking || error instanceof SignedOut) return;
      tell(this.#notice, error);
    }
    this.#timer = setTimeout(() => !document.hidden && void this.#ask(), EVERY_MS);
  }

  #say(isAway: boolean, { sample, at }: Now): void {
    setText(this.#asOf, `As of ${timeOfDay(at * 1000)}.`);
    if (isAway) this.#notice.show("Redis is away: the charts stand still, and the figures are of this machine alone.");
    else if (!sample) this.#notice.show("Nobody samples the metrics: see /readyz.");
    else this.#notice.clear();
  }
}
