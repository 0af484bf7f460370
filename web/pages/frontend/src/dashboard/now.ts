/** How things are now, read from the API. Pure. */

import { type JsonObject, list, object, orNull, text } from "../json.js";
import { type Sample, figure, readSample } from "./samples.js";

export interface BoardFigures {
  readonly players: number | null;
  readonly updates: number;
  readonly viewers: number;
  /** When it closes or its season ends, whichever comes first. */
  readonly endsAt: string | null;
}

export interface Now {
  /** By the server's clock, in Unix seconds. */
  readonly at: number;
  readonly sample: Sample | null;
  readonly quarantine: number | null;
  /** In seconds. */
  readonly closingLag: number | null;
  readonly lastSnapshotAt: string | null;
  readonly boards: ReadonlyMap<string, BoardFigures>;
}

export function readNow(body: JsonObject): Now {
  return {
    at: Date.parse(text(body["at"])) / 1000,
    sample: orNull(body["sample"], (sample) => readSample(object(sample))),
    quarantine: orNull(body["quarantine"], figure),
    closingLag: orNull(body["closingLagSeconds"], figure),
    lastSnapshotAt: orNull(body["lastSnapshotAt"], text),
    boards: new Map(list(body["boards"], (item) => readBoard(object(item)))),
  };
}

function readBoard(body: JsonObject): [string, BoardFigures] {
  return [
    text(body["boardId"]),
    {
      players: orNull(body["players"], figure),
      updates: figure(body["updates"]),
      viewers: figure(body["viewers"]),
      endsAt: orNull(body["endsAt"], text),
    },
  ];
}
