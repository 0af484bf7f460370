/** Why the live socket was refused: a browser does not tell, so the server is asked in plain HTTP. */
import { addressOf } from "./root.js";
const TIMEOUT_MS = 5_000;
/**
 * Whether the server answers and says that a part of it is missing, so that the list cannot be read.
 *
 * `/readyz` counts against no limit, unlike anything below `/api`.
 */
export async function isWithoutAPart() {
    try {
        const signal = AbortSignal.timeout(TIMEOUT_MS);
        const { status } = await fetch(addressOf("/readyz"), { signal, cache: "no-store" });
        return status === 503;
    }
    catch {
        return false;
    }
}
