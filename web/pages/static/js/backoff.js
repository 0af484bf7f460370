/** How long to wait before the next try. Pure but for the chance, which comes in as an argument. */
/**
 * Doubles from `first` to `most` ms, and takes between half and all of it, so that clients who lost the same
 * server at the same moment do not come back at the same moment.
 */
export function backoff(attempt, first, most, random = Math.random) {
    const ceiling = Math.min(most, first * 2 ** attempt);
    return Math.round(ceiling * (0.5 + random() / 2));
}
export function pause(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
