/** Reading JSON of unknown shape: each function gives the type it names or throws a ShapeError. */
export class ShapeError extends Error {
}
export function object(value) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
        throw new ShapeError("not an object");
    return value;
}
export function list(value, item) {
    if (!Array.isArray(value))
        throw new ShapeError("not a list");
    return value.map(item);
}
export function text(value) {
    if (typeof value !== "string")
        throw new ShapeError("not a string");
    return value;
}
export function integer(value) {
    if (!Number.isSafeInteger(value))
        throw new ShapeError("not an integer");
    return value;
}
export function orNull(value, read) {
    return value === null || value === undefined ? null : read(value);
}
