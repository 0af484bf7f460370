/** What went wrong, said to the person it happened to. Pure. */

import { ApiError, NoAnswer, type Problem } from "./api.js";
import { wait } from "./format.js";
import { SignedOut } from "./session.js";

const SENTENCES: Readonly<Record<string, string>> = {
  dependency_unavailable: "The server is missing a part it needs. Nothing was changed; try again in a moment.",
  internal_error: "Something failed on the server. Try again in a moment.",
  invalid_credentials: "That username and password do not belong together.",
  outcome_unknown: "The server could not confirm this. It may have been done all the same; try again in a moment.",
  registration_closed: "New players are not taken at the moment. Ask the operator for an account.",
  timestamp_out_of_range: "Your device's clock is too far off. Set it and try again.",
  username_taken: "This name is taken. Sign in if it is yours, or choose another.",
};

const LIMITED: Readonly<Record<string, string>> = {
  login_throttled: "Too many failed attempts.",
};

const GUESSED_FIRST = "This password is one of those that are guessed first. Choose another.";
const NAME_RULE = "Use 3 to 32 letters, digits, dots, hyphens or underscores, and no dot or hyphen first.";
const PASSWORD_RULE = "Use 8 to 128 characters.";

/** What this page itself refuses, in the words that are shown. */
export class Refusal extends Error {}

export function sentence(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  if (error instanceof NoAnswer) return "The server cannot be reached. Try again when you are back online.";
  if (error instanceof SignedOut) return "Your session has ended. Sign in again.";
  if (error instanceof ApiError) return SENTENCES[error.code] ?? error.message;
  return "Something failed on this page. Reload it and try again.";
}

/** For a 429, with the seconds that are left. */
export function limited(error: ApiError, seconds: number): string {
  return `${LIMITED[error.code] ?? "That was a lot at once."} You can go on in ${wait(seconds)}.`;
}

/** For one field that the server refused; its own words are written for programs. */
export function aboutField({ field, message }: Problem): string {
  if (field === "username") return message.includes("reserved") ? "This name is reserved. Choose another." : NAME_RULE;
  if (field === "password") return /common|must not be|repeats/.test(message) ? GUESSED_FIRST : PASSWORD_RULE;
  return message;
}

/** What is wrong with a new account before the server is asked. */
export function problemsOfNew(username: string, password: string): Problem[] {
  const problems: Problem[] = [];
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{2,31}$/.test(username)) problems.push({ field: "username", message: NAME_RULE });
  const length = [...password].length;
  if (length < 8 || length > 128) problems.push({ field: "password", message: PASSWORD_RULE });
  return problems;
}

/** What is missing for signing in. */
export function problemsOfKnown(username: string, password: string): Problem[] {
  const problems: Problem[] = [];
  if (username === "") problems.push({ field: "username", message: "Enter your username." });
  if (password === "") problems.push({ field: "password", message: "Enter your password." });
  return problems;
}
