/** Requests to the API of this server, and what can go wrong with one. */
import { list, object, text } from "./json.js";
import { addressOf } from "./root.js";
const TIMEOUT_MS = 12_000;
/** The server answered, and it was no. */
export class ApiError extends Error {
    status;
    code;
    problems;
    /** Unix ms of the server's clock, if the error tells. */
    serverTime;
    retryAfterSeconds;
    constructor(status, error, retryAfterSeconds) {
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
export class NoAnswer extends Error {
}
/** Throws ApiError or NoAnswer. */
export async function call({ method, path, body, token }) {
    const headers = new Headers({ Accept: "application/json" });
    if (body !== undefined)
        headers.set("Content-Type", "application/json");
    if (token !== undefined)
        headers.set("Authorization", `Bearer ${token}`);
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    try {
        const response = await fetch(addressOf(path), { method, headers, signal, body: body ?? null, cache: "no-store" });
        return read(response, object(await response.json()));
    }
    catch (error) {
        if (error instanceof ApiError)
            throw error;
        throw new NoAnswer("No answer", { cause: error }); // no connection, a timeout, or a proxy's own page
    }
}
/** Whether the same request may be answered otherwise in a while. */
export function isPassing(error) {
    return error instanceof NoAnswer || (error instanceof ApiError && error.status >= 500);
}
/** Whether the request may have been carried out all the same. Any other 503 says that nothing was done. */
export function isInDoubt(error) {
    if (!(error instanceof ApiError))
        return error instanceof NoAnswer;
    return error.status === 500 || error.code === "outcome_unknown";
}
function read(response, body) {
    if (!response.ok)
        throw new ApiError(response.status, object(body["error"]), retryAfter(response));
    return { status: response.status, body, isReplay: response.headers.get("Idempotent-Replayed") === "true" };
}
function retryAfter(response) {
    const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
    return Number.isFinite(seconds) ? Math.max(1, seconds) : null;
}
function readProblem(value) {
    const problem = object(value);
    return { field: text(problem["field"]), message: text(problem["message"]) };
}
