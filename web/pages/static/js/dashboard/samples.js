/** The samples of the last hour, as charts need them. Pure. */
import { list, object, orNull, text } from "../json.js";
/** How long samples are kept here, in seconds. */
const KEPT = 3600;
const MOST_LINES = 8;
export function readSample(body) {
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
export function readSamples(body) {
    return list(body["samples"], (item) => readSample(object(item)));
}
/** Those of the last hour: newer ones take the place of older ones of the same instant. */
export function kept(before, newer, now) {
    const byInstant = new Map([...before, ...newer].map((sample) => [sample.at, sample]));
    return [...byInstant.values()].filter(({ at }) => at > now - KEPT).sort((one, other) => one.at - other.at);
}
export function timeline(samples) {
    const at = [];
    const told = [];
    let before = null;
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
export function line(label, { samples }, value) {
    return { label, values: samples.map((sample) => (sample ? value(sample) : null)) };
}
/** A line for each name that is counted, the greatest first; those beyond the eighth are one. */
export function lines({ samples }, counted) {
    const totals = new Map();
    for (const sample of samples) {
        if (!sample)
            continue;
        for (const [name, value] of Object.entries(counted(sample)))
            totals.set(name, (totals.get(name) ?? 0) + value);
    }
    const names = [...totals.keys()].sort((one, other) => (totals.get(other) ?? 0) - (totals.get(one) ?? 0));
    const shown = names.length > MOST_LINES ? names.slice(0, MOST_LINES - 1) : names;
    const values = (of) => samples.map((sample) => sample && of.reduce((sum, name) => sum + (counted(sample)[name] ?? 0), 0));
    const made = shown.map((name) => ({ label: words(name), values: values([name]) }));
    const rest = names.slice(shown.length);
    return rest.length > 0 ? [...made, { label: "others", values: values(rest) }] : made;
}
export function sum(counted) {
    return Object.values(counted).reduce((total, value) => total + value, 0);
}
/** `rate_limited` as a person reads it. */
export function words(name) {
    return name.replaceAll("_", " ");
}
export function figure(value) {
    if (typeof value !== "number" || !Number.isFinite(value))
        throw new Error("not a number");
    return value;
}
function figures(value) {
    return Object.fromEntries(Object.entries(object(value)).map(([name, count]) => [name, figure(count)]));
}
function percentiles(value) {
    const { p50, p95, p99 } = object(value);
    return { p50: figure(p50), p95: figure(p95), p99: figure(p99) };
}
