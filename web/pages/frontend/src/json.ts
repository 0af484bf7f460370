/** Reading JSON of unknown shape: each function gives the type it names or throws a ShapeError. */

export class ShapeError extends Error {}

export type JsonObject = Readonly<Record<string, unknown>>;

export function object(value: unknown): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new ShapeError("not an object");
  return value as JsonObject;
}

export function list<T>(value: unknown, item: (value: unknown) => T): readonly T[] {
  if (!Array.isArray(value)) throw new ShapeError("not a list");
  return value.map(item);
}

export function text(value: unknown): string {
  if (typeof value !== "string") throw new ShapeError("not a string");
  return value;
}

export function integer(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new ShapeError("not an integer");
  return value as number;
}

export function orNull<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null || value === undefined ? null : read(value);
}
