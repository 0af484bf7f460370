/** When a period ends, known from its id, and how that is said. Pure. */
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Unix ms at which the period with this id ends, in UTC; null for all time, and for an id of no form we know. */
export function endOf(periodId) {
    const [, year = 0, month = 0, day = 0] = /^(\d{4})-(\d{2})(?:-(\d{2}))?$/.exec(periodId)?.map(Number) ?? [];
    if (year && day)
        return Date.UTC(year, month - 1, day + 1);
    if (year)
        return Date.UTC(year, month, 1);
    const [, weekYear = 0, week = 0] = /^(\d{4})-W(\d{2})$/.exec(periodId)?.map(Number) ?? [];
    return weekYear ? firstMonday(weekYear) + week * 7 * DAY_MS : null;
}
/** `ends in 6 days`, `ends in 5 h`, `ends in 12 min`, `ended`. What our clock takes for just over ends at any moment. */
export function ending(end, now) {
    const left = end - now;
    if (left >= 2 * DAY_MS)
        return `ends in ${Math.floor(left / DAY_MS)} days`;
    if (left >= HOUR_MS)
        return `ends in ${Math.floor(left / HOUR_MS)} h`;
    if (left >= MINUTE_MS)
        return `ends in ${Math.floor(left / MINUTE_MS)} min`;
    return left > -MINUTE_MS ? "ends in a moment" : "ended";
}
/** ISO 8601: week 1 is the one with 4 January in it, and weeks begin on Monday. */
function firstMonday(weekYear) {
    const fourth = Date.UTC(weekYear, 0, 4);
    const daysSinceMonday = (new Date(fourth).getUTCDay() + 6) % 7;
    return fourth - daysSinceMonday * DAY_MS;
}
