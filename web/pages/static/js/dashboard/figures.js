/** How the figures of the dashboard are written. Pure. */
const LOCALE = "en";
const tenths = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const thousandths = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 3 });
const shares = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 1 });
/** A rate or a mean: three digits below ten, else tenths. */
export function rate(value) {
    return (Math.abs(value) < 10 ? thousandths : tenths).format(value);
}
/** `12.5 ms`, `1.25 s`, `3 min`. */
export function duration(seconds) {
    if (seconds >= 120)
        return `${Math.round(seconds / 60)} min`;
    return seconds < 1 ? `${thousandths.format(seconds * 1000)} ms` : `${thousandths.format(seconds)} s`;
}
export function share(value) {
    return shares.format(value);
}
