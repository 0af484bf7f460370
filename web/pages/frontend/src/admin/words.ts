/** What this page says of instants and of failures. Pure but for the time zone of the reader. */

import { ApiError, isInDoubt } from "../api.js";
import { timeOfDay, wait } from "../format.js";
import { sentence } from "../sentences.js";

const UNKNOWN = "It is unknown whether this was done. Trying again is safe: it is done once.";

const instants = new Intl.DateTimeFormat("en-CA", { dateStyle: "short", timeStyle: "medium", hourCycle: "h23" });

/** `2026-11-27, 14:03:22` where the reader is. */
export function moment(instant: string): string {
  return instants.format(Date.parse(instant));
}

/** What a field of the type `datetime-local` holds, as the API reads it; null if it holds nothing. */
export function asInstant(local: string): string | null {
  const milliseconds = Date.parse(local);
  return Number.isNaN(milliseconds) ? null : new Date(milliseconds).toISOString();
}

/** What became of a change that failed. */
export function told(error: unknown): string {
  if (!isInDoubt(error)) return sentence(error);
  return error instanceof ApiError ? `${error.message} ${UNKNOWN}` : `No answer came. ${UNKNOWN}`;
}

/** For a 429: until when, as long as it lasts. */
export function held(error: ApiError, secondsLeft: number, now: number = Date.now()): string {
  return `${error.message} You can go on in ${wait(secondsLeft)}, at ${timeOfDay(now + secondsLeft * 1000)}.`;
}

/** `validation_failed` says of a field that it "must be …"; a person reads a sentence. */
export function aboutField(message: string): string {
  const first = message.charAt(0);
  return /^must/.test(message) ? `It ${message}.` : `${first.toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? "" : "."}`;
}
