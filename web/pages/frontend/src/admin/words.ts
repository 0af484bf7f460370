/** What this page says of instants and of failures. Pure but for the time zone of the reader. */

import { ApiError, isInDoubt } from "../api.js";
import { timeOfDay, wait } from "../format.js";
import type { JsonObject } from "../json.js";
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

/** The end of a span that a field of the type `datetime-local` holds: its second belongs to the span as a whole. */
export function asEnd(local: string): string | null {
  const instant = asInstant(local);
  return instant === null ? null : instant.replace(/\.\d+Z$/, ".999Z"); // the API keeps milliseconds
}

/** What became of a change that failed. */
export function failed(error: unknown): string {
  if (!isInDoubt(error)) return sentence(error);
  return error instanceof ApiError ? `${error.message} ${UNKNOWN}` : `No answer came. ${UNKNOWN}`;
}

/** For a 429: until when, as long as it lasts. */
export function held(error: ApiError, secondsLeft: number, now: number = Date.now()): string {
  return `${error.message} You can go on in ${wait(secondsLeft)}, at ${timeOfDay(now + secondsLeft * 1000)}.`;
}

/** `validation_failed` says of a field that it "must be …"; a person reads a sentence. */
export function aboutField(message: string): string {
  if (/^must/.test(message)) return `It ${message}.`;
  const sentence = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** Details of a row of the audit log: `board: main; amount: -50`. */
export function told(details: JsonObject): string {
  const parts = Object.entries(details).flatMap(([name, value]) => {
    const isList = name === "changes" && Array.isArray(value);
    return isList ? value.map(change) : [`${name.replaceAll("_", " ")}: ${written(value)}`];
  });
  return parts.join("; ");
}

function change(value: unknown): string {
  if (typeof value !== "object" || value === null) return written(value);
  const { path, from, to } = value as JsonObject;
  return `${written(path)}: ${written(from)} → ${written(to)}`;
}

function written(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}
