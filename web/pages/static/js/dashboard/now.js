/** How things are now, read from the API. Pure. */
import { list, object, orNull, text } from "../json.js";
import { figure, readSample } from "./samples.js";
export function readNow(body) {
    return {
        at: Date.parse(text(body["at"])) / 1000,
        sample: orNull(body["sample"], (sample) => readSample(object(sample))),
        quarantine: orNull(body["quarantine"], figure),
        closingLag: orNull(body["closingLagSeconds"], figure),
        lastSnapshotAt: orNull(body["lastSnapshotAt"], text),
        boards: new Map(list(body["boards"], (item) => readBoard(object(item)))),
    };
}
function readBoard(body) {
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
