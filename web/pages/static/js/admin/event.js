/** An update of a player as the ledger has it, and what a correction changes. Pure. */
import { integer, list, object, orNull, text } from "../json.js";
export function readEvent(body) {
    return {
        eventId: text(body["eventId"]),
        actionId: text(body["actionId"]),
        points: integer(body["points"]),
        second: integer(body["second"]),
        acceptedAt: text(body["acceptedAt"]),
        boards: list(body["boards"], text),
        refusal: orNull(body["refusal"], text),
        void: orNull(body["void"], readVoid),
        source: orNull(body["source"], text),
    };
}
export function readVoid(value) {
    const told = object(value);
    return { at: text(told["at"]), reason: text(told["reason"]) };
}
export function readMoved(value) {
    const told = object(value);
    return {
        board: text(told["board"]),
        period: text(told["period"]),
        scores: [orNull(told["scoreBefore"], integer), orNull(told["scoreAfter"], integer)],
        ranks: [orNull(told["rankBefore"], integer), orNull(told["rankAfter"], integer)],
    };
}
