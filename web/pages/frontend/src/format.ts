/** Numbers, times and spans as people read them. Pure. */

const LOCALE = "en";
const numbers = new Intl.NumberFormat(LOCALE);
const gains = new Intl.NumberFormat(LOCALE, { signDisplay: "exceptZero" });
const spans = new Intl.RelativeTimeFormat(LOCALE, { numeric: "always", style: "short" });
const days = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium" });
const shares = new Intl.NumberFormat(LOCALE, { style: "percent", maximumSignificantDigits: 2 });
const clock = new Intl.DateTimeFormat(LOCALE, { timeStyle: "medium", hourCycle: "h23" });

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function number(value: number): string {
  return numbers.format(value);
}

/** With its sign: `+25`. */
export function gain(points: number): string {
  return gains.format(points);
}

export function players(count: number): string {
  return `${number(count)} ${count === 1 ? "player" : "players"}`;
}

/** `just now`, `3 min. ago`; what our clock takes for the future is now. */
export function ago(instant: string, now: number): string {
  const seconds = Math.floor((now - Date.parse(instant)) / 1000);
  if (!(seconds >= 10)) return "just now";
  if (seconds < MINUTE) return spans.format(-seconds, "second");
  if (seconds < HOUR) return spans.format(-Math.floor(seconds / MINUTE), "minute");
  if (seconds < 2 * DAY) return spans.format(-Math.floor(seconds / HOUR), "hour");
  return spans.format(-Math.floor(seconds / DAY), "day");
}

/** A wait: `12 s`, `3 min 5 s`, `58 min`. */
export function wait(seconds: number): string {
  if (seconds < MINUTE) return `${seconds} s`;
  const minutes = Math.floor(seconds / MINUTE);
  const rest = seconds % MINUTE;
  return minutes < 5 && rest > 0 ? `${minutes} min ${rest} s` : `${Math.ceil(seconds / MINUTE)} min`;
}

/** The day of an instant, here. */
export function day(instant: string): string {
  return days.format(Date.parse(instant));
}

/** A share of 1, as percent. */
export function share(value: number): string {
  return shares.format(value);
}

/** The time of day, to the second. */
export function timeOfDay(milliseconds: number): string {
  return clock.format(milliseconds);
}
