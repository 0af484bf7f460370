/** What a chart says in words: the text of its axes, and what it tells those who do not see it. Pure. */
import { number } from "./format.js";
const LOCALE = "en-CA";
const DAY_SECONDS = 86_400;
const MINUTE_SECONDS = 60;
const seconds = new Intl.DateTimeFormat(LOCALE, { timeStyle: "medium", hourCycle: "h23" });
const minutes = new Intl.DateTimeFormat(LOCALE, { timeStyle: "short", hourCycle: "h23" });
const both = new Intl.DateTimeFormat(LOCALE, { dateStyle: "short", timeStyle: "medium", hourCycle: "h23" });
const localDays = new Intl.DateTimeFormat(LOCALE, { month: "short", day: "numeric" });
const days = new Intl.DateTimeFormat(LOCALE, { dateStyle: "short", timeZone: "UTC" });
const shortDays = new Intl.DateTimeFormat(LOCALE, { month: "short", day: "numeric", timeZone: "UTC" });
/** An instant in Unix seconds as a row of the table names it: `2026-11-27` for a day, else with the reader's time. */
export function named(at, isDay) {
    return (isDay ? days : both).format(at * 1000);
}
/** An instant in Unix seconds as an axis shows it, whose marks stand `step` seconds apart. */
export function marked(at, step, isDay) {
    if (isDay)
        return shortDays.format(at * 1000);
    if (step >= DAY_SECONDS)
        return localDays.format(at * 1000);
    return (step >= MINUTE_SECONDS ? minutes : seconds).format(at * 1000);
}
/** The newest value that is known. */
export function newest(values) {
    return values.filter((value) => value !== null).at(-1) ?? null;
}
/** The places of values between two that are not known. */
export function alone(values) {
    const isKnown = (index) => (values[index] ?? null) !== null;
    return values.flatMap((_, index) => (isKnown(index) && !isKnown(index - 1) && !isKnown(index + 1) ? [index] : []));
}
/** The chart in a sentence for each line: its newest value, the lowest and the highest. */
export function described(title, lines, write = number) {
    const sentences = lines.map(({ label, values }) => {
        const known = values.filter((value) => value !== null);
        const last = known.at(-1);
        if (last === undefined)
            return `${label}: no values.`;
        const lowest = known.reduce((low, value) => Math.min(low, value));
        const highest = known.reduce((high, value) => Math.max(high, value));
        return `${label}: ${write(last)} at the end, between ${write(lowest)} and ${write(highest)}.`;
    });
    return [`Chart of ${title}.`, ...sentences].join(" ");
}
/** What the values' axis spans: a little more than the values do, never nothing. */
export function spanned(low, high, { isFromZero, isLeastOnTop }) {
    if (low === null || high === null)
        return [0, 1];
    const room = Math.max((high - low) / 10, isLeastOnTop ? 1 : 0);
    if (isLeastOnTop)
        return [Math.max(0, low - room), high + room];
    if (isFromZero)
        return [Math.min(0, low * 1.1), high > 0 ? high * 1.1 : 1];
    return low === high ? [low - 1, high + 1] : [low - room, high + room];
}
