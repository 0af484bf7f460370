/** An update of a player as the ledger has it. Pure. */
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
function readVoid(value) {
    const told = object(value);
    return { at: text(told["at"]), reason: text(told["reason"]) };
}
