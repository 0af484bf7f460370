/** The charts and the tiles of the first two rows: how the service does, and how an update goes its way. */

import { LineChart, type ChartOptions } from "../chart.js";
import type { Line } from "../chart_words.js";
import { field, find, setText } from "../elements.js";
import { ago, number } from "../format.js";
import { duration, rate, share } from "./figures.js";
import type { Now } from "./now.js";
import { type Percentiles, type Sample, type Timeline, line, lines, sum } from "./samples.js";

interface Drawn {
  readonly options: ChartOptions;
  readonly lines: (timeline: Timeline) => readonly Line[];
}

type Ways = readonly (readonly [string, (sample: Sample) => Percentiles | null])[];

const TOGETHER = "service";
const IN_MILLISECONDS = 1000;

const WAYS: Ways = [
  ["submitted and answered", (sample) => sample.submitted],
  ["accepted and applied", (sample) => sample.appliedIn],
  ["committed and on screens", (sample) => sample.shownIn],
];

const CHARTS: Readonly<Record<string, Drawn>> = {
  answers: {
    options: { title: "Time to answer", write: duration },
    lines: (timeline) => [
      line("half", timeline, ({ answers }) => answers?.p50 ?? null),
      line("95 of 100", timeline, ({ answers }) => answers?.p95 ?? null),
      line("99 of 100", timeline, ({ answers }) => answers?.p99 ?? null),
    ],
  },
  viewers: {
    options: { title: "Viewers", isWhole: true },
    lines: (timeline) => [line("viewers", timeline, ({ viewers }) => viewers)],
  },
  hits: {
    options: { title: "Cache hits", write: share },
    lines: (timeline) => [line("reads answered by Redis", timeline, ({ hitShare }) => hitShare)],
  },
  errors: {
    options: { title: "Errors a second, by code", write: rate },
    lines: (timeline) => lines(timeline, ({ errors }) => errors),
  },
  limits: {
    options: { title: "Limit violations a second, by limit", write: rate },
    lines: (timeline) => lines(timeline, ({ limits }) => limits),
  },
  updates: {
    options: { title: "Updates a second", write: rate },
    lines: (timeline) => [
      line("accepted", timeline, ({ accepted }) => accepted),
      line("applied", timeline, ({ applied }) => applied),
    ],
  },
  depth: {
    options: { title: "Updates that wait", isWhole: true },
    lines: (timeline) => [line("in the inbox", timeline, ({ depth }) => depth)],
  },
  half: { options: { title: "Half of the updates are within", write: duration }, lines: (t) => ways(t, "p50") },
  most: { options: { title: "99 of 100 updates are within", write: duration }, lines: (t) => ways(t, "p99") },
  batch: {
    options: { title: "Updates in a batch", write: rate },
    lines: (timeline) => [line("mean", timeline, ({ batch }) => batch)],
  },
  standings: {
    options: { title: "Standings changed by an update", write: rate },
    lines: (timeline) => [line("mean", timeline, ({ standings }) => standings)],
  },
  quarantined: {
    options: { title: "Updates quarantined", isWhole: true },
    lines: (timeline) => [line("in ten seconds", timeline, ({ quarantined }) => quarantined)],
  },
  drift: {
    options: { title: "Standings that differ from the ledger or from Redis", isWhole: true },
    lines: (timeline) => [line("standings", timeline, ({ drift }) => drift)],
  },
  chores: {
    options: { title: "Chores that wait", isWhole: true },
    lines: (timeline) => [line("messages", timeline, ({ chores }) => chores)],
  },
};

export class ServiceRows {
  readonly #roots: readonly HTMLElement[];
  readonly #charts: ReadonlyMap<string, LineChart>;

  constructor(...roots: readonly HTMLElement[]) {
    this.#roots = roots;
    this.#charts = new Map(
      Object.entries(CHARTS).map(([name, { options }]) => {
        const place = roots.map((root) => root.querySelector<HTMLElement>(`[data-chart=${name}]`)).find(Boolean);
        if (!place) throw new Error(`The page has no place for the chart ${name}`);
        return [name, new LineChart(place, { together: TOGETHER, ...options })];
      }),
    );
  }

  show(timeline: Timeline, now: Now): void {
    for (const [name, chart] of this.#charts) chart.show(timeline.at, CHARTS[name]?.lines(timeline) ?? []);
    this.#tell(now);
  }

  clear(): void {
    for (const chart of this.#charts.values()) chart.clear();
    for (const told of this.#roots.flatMap((root) => [...root.querySelectorAll(".tiles [data-field]")])) {
      setText(told, "");
    }
  }

  #tell({ sample, quarantine, closingLag, lastSnapshotAt, at }: Now): void {
    this.#say("p95", sample?.answers?.p95, duration);
    this.#say("viewers", sample?.viewers, number);
    this.#say("hits", sample?.hitShare, share);
    this.#say("errors", sample && sum(sample.errors), rate);
    this.#say("limits", sample && sum(sample.limits), rate);
    this.#say("accepted", sample?.accepted, rate);
    this.#say("applied", sample?.applied, rate);
    this.#say("depth", sample?.depth, number, sample?.oldest ? `the oldest for ${duration(sample.oldest)}` : "");
    this.#say("quarantine", quarantine, number);
    this.#say("drift", sample?.drift, number);
    this.#say("snapshot", lastSnapshotAt, (instant) => ago(instant, at * IN_MILLISECONDS));
    this.#say("closing", closingLag, (seconds) => (seconds > 0 ? duration(seconds) : "nothing"));
    this.#say("chores", sample?.chores, number);
  }

  #say<T>(name: string, value: T | null | undefined, write: (value: T) => string, more = ""): void {
    const root = this.#roots.find((one) => one.querySelector(`.tiles [data-field="${name}"]`)) ?? document;
    setText(field(root, name), value === null || value === undefined ? "–" : write(value));
    setText(find(root, `[data-field="${name}-more"]`, HTMLElement), more);
  }
}

function ways(timeline: Timeline, which: keyof Percentiles): Line[] {
  return WAYS.map(([label, of]) => line(label, timeline, (sample) => of(sample)?.[which] ?? null));
}
