/** First, last, invert, play: each row starts where it was seen and slides to where it is. */
const MOVE_MS = 500;
const NAME = "move";
export class Motion {
    #calm = matchMedia("(prefers-reduced-motion: reduce)");
    /** Where rows are seen now, in the middle of a move too. */
    placesOf(rows) {
        return new Map([...rows].map((row) => [row, row.getBoundingClientRect().top]));
    }
    /** Let every row that is not where it was slide there, if whoever looks can bear it. */
    play(before) {
        for (const row of before.keys()) {
            for (const animation of row.getAnimations())
                if (animation.id === NAME)
                    animation.cancel();
        }
        if (this.#calm.matches)
            return;
        for (const [row, first] of before) {
            const distance = row.isConnected ? first - row.getBoundingClientRect().top : 0;
            if (Math.abs(distance) >= 1)
                slide(row, distance);
        }
    }
}
function slide(row, distance) {
    const zIndex = distance > 0 ? 1 : 0; // who rises passes in front
    const frames = [{ transform: `translateY(${distance}px)`, zIndex }, { transform: "none", zIndex }];
    row.animate(frames, { id: NAME, duration: MOVE_MS, easing: "cubic-bezier(0.2, 0.8, 0.2, 1)" });
}
