/** A player as admins see them. Pure. */
import { list, object, orNull, text } from "../json.js";
export function readPerson(body) {
    return {
        userId: text(body["userId"]),
        username: text(body["username"]),
        displayName: orNull(body["displayName"], text),
        role: text(body["role"]),
        country: orNull(body["country"], text),
        visibility: text(body["visibility"]),
        externalIds: list(body["externalIds"], readIdentity),
        createdAt: text(body["createdAt"]),
        isSuspended: body["suspended"] === true,
    };
}
export function readState(body) {
    return {
        ...readPerson(body),
        suspendedAt: orNull(body["suspendedAt"], text),
        disqualifications: list(body["disqualifications"], readDisqualification),
    };
}
export function calledBy({ displayName, username }) {
    return displayName ?? username;
}
function readIdentity(value) {
    const identity = object(value);
    return `${text(identity["realm"])}: ${text(identity["externalId"])}`;
}
function readDisqualification(value) {
    const told = object(value);
    return { board: text(told["board"]), at: text(told["at"]), reason: text(told["reason"]) };
}
