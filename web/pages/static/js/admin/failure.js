/** A failure, told in the notice beside what failed. A 429 is counted down. */
import { ApiError } from "../api.js";
import { SignedOut } from "../session.js";
import { failed, held } from "./words.js";
export function tell(notice, error) {
    if (error instanceof SignedOut)
        return; // the form says so
    if (error instanceof ApiError && error.status === 429) {
        const end = Date.now() + (error.retryAfterSeconds ?? 1) * 1000;
        notice.countDown(error.retryAfterSeconds ?? 1, (left) => held(error, left, end - left * 1000));
    }
    else {
        notice.show(failed(error));
    }
}
