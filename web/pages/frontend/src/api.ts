/** Requests to the API of this server, and what can go wrong with one. */

import { type JsonObject, list, object, text } from "./json.js";
import { addressOf } from "./root.js";

const TIMEOUT_MS = 12_000;

export interface Problem {
  readonly field: string;
  readonly message: string;
}

/** The server answered, and it was no. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly problems: readonly Problem[];
  /** Unix ms of the server's clock, if the error tells. */
  readonly serverTime: number | null;
  readonly retryAfterSeconds: number | null;

  constructor(status: number, error: JsonObject, retryAfterSeconds: number | null) {
    super(text(error["message"]));
    this.status = status;
    this.code = text(error["code"]);
    this.retryAfterSeconds = retryAfterSeconds;
    const details = error["details"] === undefined ? {} : object(error["details"]);
    this.problems = details["fields"] === undefined ? [] : list(details["fields"], readProblem);
    this.serverTime = details["serverTime"] === undefined ? null : Date.parse(text(details["serverTime"]));
  }
}

/** No answer of the application came, so nobody knows whether the request was carried out. */
export class NoAnswer extends Error {}

export interface Answer {
  readonly status: number;
  readonly body: JsonObject;
  readonly isReplay: boolean;
}

export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** JSON text rather than an object: what is repeated is repeated byte for byte. */
  readonly body?: string;
  readonly token?: string;
}

/** Throws ApiError or NoAnswer. */
export async function call({ method, path, body, token }: Call): Promise<Answer> {
  const headers = new Headers({ Accept: "application/json" });
  if (body !== undefined) headers.set("Content-Type", "application/json");
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(addressOf(path), { method, headers, signal, body: body ?? null, cache: "no-store" });
    return read(response, object(await response.json()));
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new NoAnswer("No answer", { cause: error }); // no connection, a timeout, or a proxy's own page
  }
}

/** Whether the same request may be answered otherwise in a while. */
export function isPassing(error: unknown): boolean {
  return error instanceof NoAnswer || (error instanceof ApiError && error.status >= 500);
}

/** Whether the request may have been carried out all the same. Any other 503 says that nothing was done. */
export function isInDoubt(error: unknown): boolean {
  if (!(error instanceof ApiError)) return error instanceof NoAnswer;
  return error.status === 500 || error.code === "outcome_unknown";
}

function read(response: Response, body: JsonObject): Answer {
  if (!response.ok) throw new ApiError(response.status, object(body["error"]), retryAfter(response));
  return { status: response.status, body, isReplay: response.headers.get("Idempotent-Replayed") === "true" };
}

function retryAfter(response: Response): number | null {
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return Number.isFinite(seconds) ? Math.max(1, seconds) : null;
}

function readProblem(value: unknown): Problem {
  const problem = object(value);
  return { field: text(problem["field"]), message: text(problem["message"]) };
}

