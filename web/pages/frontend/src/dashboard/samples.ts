/** The samples of the last hour, as charts need them. Pure. */

import type { Line } from "../chart_words.js";
import { type JsonObject, list, object, orNull, text } from "../json.js";

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface Sample {
  /** When its span began, in Unix seconds. */
  readonly at: number;
  readonly seconds: number;
  readonly accepted: number | null;
  readonly applied: number;
  readonly quarantined: number;
  readonly answers: Percentiles | null;
  readonly errors: Readonly<Record<string, number>>;
  readonly limits: Readonly<Record<string, number>>;
  readonly hitShare: number | null;
  readonly viewers: number;
  readonly depth: number | null;
  readonly oldest: number | null;
  readonly submitted: Percentiles | null;
  readonly appliedIn: Percentiles | null;
  readonly shownIn: Percentiles | null;
  readonly batch: number | null;
  readonly standings: number | null;
  readonly drift: number | null;
  readonly chores: number | null;
}

/** How long samples are kept here, in seconds. */
const KEPT = 3600;
const MOST_LINES = 8;

export function readSample(body: JsonObject): Sample {
  return {
    at: Date.parse(text(body["at"])) / 1000,
    seconds: figure(body["seconds"]),
    accepted: orNull(body["accepted"], figure),
    applied: figure(body["applied"]),
    quarantined: figure(body["quarantined"]),
    answers: orNull(body["answerSeconds"], percentiles),
    errors: figures(body["errors"]),
    limits: figures(body["limitViolations"]),
    hitShare: orNull(body["cacheHitShare"], figure),
    viewers: figure(body["viewers"]),
    depth: orNull(body["inboxDepth"], figure),
    oldest: orNull(body["oldestSeconds"], figure),
    submitted: orNull(body["submitSeconds"], percentiles),
    appliedIn: orNull(body["appliedSeconds"], percentiles),
    shownIn: orNull(body["shownSeconds"], percentiles),
    batch: orNull(body["batchSize"], figure),
    standings: orNull(body["standingsPerUpdate"], figure),
    drift: orNull(body["drift"], figure),
    chores: orNull(body["choresWaiting"], figure),
  };
}

export function readSamples(body: JsonObject): readonly Sample[] {
  return list(body["samples"], (item) => readSample(object(item)));
}

/** Those of the last hour: newer ones take the place of older ones of the same instant. */
export function kept(before: readonly Sample[], newer: readonly Sample[], now: number): readonly Sample[] {
  const byInstant = new Map([...before, ...newer].map((sample) => [sample.at, sample]));
  return [...byInstant.values()].filter(({ at }) => at > now - KEPT).sort((one, other) => one.at - other.at);
}

export interface Timeline {
  readonly at: readonly number[];
  /** Null where nothing is known between two samples, so that no line leads across. */
  readonly samples: readonly (Sample | null)[];
}

export function timeline(samples: readonly Sample[]): Timeline {
  const at: number[] = [];
  const told: (Sample | null)[] = [];
  let before: Sample | null = null;
  for (const sample of samples) {
    const step = Math.max(10, sample.seconds);
    if (before && sample.at - before.at > 2 * step) {
      at.push(before.at + step);
      told.push(null);
    }
    at.push(sample.at);
    told.push(sample);
    before = sample;
  }
  return { at, samples: told };
}

export function line(label: string, { samples }: Timeline, value: (sample: Sample) => number | null): Line {
  return { label, values: samples.map((sample) => (sample ? value(sample) : null)) };
}

/** A line for each name that is counted, the greatest first; those beyond the eighth are one. */
export function lines({ samples }: Timeline, counted: (sample: Sample) => Readonly<Record<string, number>>): Line[] {
  const totals = new Map<string, number>();
  for (const sample of samples) {
    if (!sample) continue;
    for (const [name, value] of Object.entries(counted(sample))) totals.set(name, (totals.get(name) ?? 0) + value);
  }
  const names = [...totals.keys()].sort((one, other) => (totals.get(other) ?? 0) - (totals.get(one) ?? 0));
  const shown = names.length > MOST_LINES ? names.slice(0, MOST_LINES - 1) : names;
  const values = (of: readonly string[]) =>
    samples.map((sample) => sample && of.reduce((sum, name) => sum + (counted(sample)[name] ?? 0), 0));
  const made = shown.map((name) => ({ label: words(name), values: values([name]) }));
  const rest = names.slice(shown.length);
  return rest.length > 0 ? [...made, { label: "others", values: values(rest) }] : made;
}

export function sum(counted: Readonly<Record<string, number>>): number {
  return Object.values(counted).reduce((total, value) => total + value, 0);
}

/** `rate_limited` as a person reads it. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

export function figure(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Error("not a number");
  return value;
}

function figures(value: unknown): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(object(value)).map(([name, count]) => [name, figure(count)]));
}

function percentiles(value: unknown): Percentiles {
  const { p50, p95, p99 } = object(value);
  return { p50: figure(p50), p95: figure(p95), p99: figure(p99) };
}
