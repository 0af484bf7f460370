/** The server's clock, which all instants of the board are told by. The viewer's own may be hours off. */
/** How many milliseconds the server's clock is ahead of ours, as far as the page or an answer has told. */
let offset = 0;
/** Take over the server's time, in Unix ms; a value that is no time is ignored. */
export function learn(serverTime) {
    if (Number.isFinite(serverTime))
        offset = serverTime - Date.now();
}
/** The present by the server's clock, in Unix ms. */
export function now() {
    return Date.now() + offset;
}
