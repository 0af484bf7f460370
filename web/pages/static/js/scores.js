/** Scores as people read them, by the format of the board that the page shows. The server says the same. */
import { number } from "./format.js";
const MINUTE = 60;
const HOUR = 60 * MINUTE;
let format = "integer";
/** Learn the format of the board, as the page tells it: `integer`, `decimal:3`, `duration:ms`. */
export function learn(told) {
    format = told;
}
/** A score of the board that is shown. */
export function score(value) {
    return scoreText(value, format);
}
/** The same in a sentence: whole numbers are points. */
export function amount(value) {
    return format === "integer" ? `${score(value)} points` : score(value);
}
/** 61200 as `61,200`, with `decimal:3` as `61.200`, with `duration:ms` as `1:01.200`. Pure. */
export function scoreText(value, how) {
    const [kind = "", detail = ""] = how.split(":");
    const sign = value < 0 ? "-" : "";
    const size = Math.abs(value);
    if (kind === "decimal" && Number(detail) > 0) {
        const unit = 10 ** Number(detail);
        return `${sign}${number(Math.floor(size / unit))}.${String(size % unit).padStart(Number(detail), "0")}`;
    }
    if (kind !== "duration")
        return `${sign}${number(size)}`;
    if (detail !== "ms")
        return sign + clock(size);
    return `${sign}${clock(Math.floor(size / 1000))}.${String(size % 1000).padStart(3, "0")}`;
}
function clock(seconds) {
    const hours = Math.floor(seconds / HOUR);
    const minutes = Math.floor((seconds % HOUR) / MINUTE);
    const last = String(seconds % MINUTE).padStart(2, "0");
    return hours > 0 ? `${number(hours)}:${String(minutes).padStart(2, "0")}:${last}` : `${minutes}:${last}`;
}
