/** A board as admins see it, and what may be done with it. Pure. */

import { type JsonObject, integer, list, object, orNull, text } from "../json.js";

export interface Board {
  readonly boardId: string;
  readonly title: string;
  readonly rule: string;
  readonly order: string;
  readonly second: boolean;
  readonly format: string;
  readonly periods: readonly string[];
  readonly visibility: string;
  readonly state: string;
  readonly opensAt: string | null;
  readonly closesAt: string | null;
}

export type Move = "open" | "close" | "archive";

const DEFAULT_BOARD = "main";

export function readBoard(body: JsonObject): Board {
  return {
    boardId: text(body["boardId"]),
    title: text(body["title"]),
    rule: text(body["rule"]),
    order: text(body["order"]),
    second: body["second"] !== null,
    format: formatName(object(body["format"])),
    periods: list(body["periods"], text),
    visibility: text(body["visibility"]),
    state: text(body["state"]),
    opensAt: orNull(body["opensAt"], text),
    closesAt: orNull(body["closesAt"], text),
  };
}

/** What the server would not refuse. A closing that is planned can be called off, by opening. */
export function moves({ boardId, state, closesAt }: Board): Move[] {
  if (state === "archived") return [];
  const isOpen = state === "open";
  const possible: Move[] = isOpen && closesAt === null ? [] : ["open"];
  if (state !== "closed") possible.push("close");
  if (boardId !== DEFAULT_BOARD) possible.push("archive");
  return possible;
}

export function nameOf({ boardId, title }: Board): string {
  return title || boardId;
}

/** As `scoreText` takes it: `integer`, `decimal:3`, `duration:ms`. */
function formatName(format: JsonObject): string {
  const kind = text(format["kind"]);
  if (kind === "decimal") return `${kind}:${integer(format["places"])}`;
  return kind === "duration" ? `${kind}:${text(format["unit"])}` : kind;
}
