/** Charts of lines over time. Each has a name, a sentence for those who do not see it, and its values as a table. */
import { Twin } from "./chart_table.js";
import { alone, described, marked, newest, spanned } from "./chart_words.js";
import { make, setText } from "./elements.js";
import { number } from "./format.js";
import uPlot from "./vendor/uplot/uPlot.js";
const HEIGHT = 180;
const FONT = "12px system-ui, sans-serif";
const COLOURS = 8;
/** Lines beyond the last colour repeat the colours in other strokes. */
const STROKES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
const WHOLE_STEPS = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((times) => times * 10 ** power)).flat();
const dark = matchMedia("(prefers-color-scheme: dark)");
/** A chart inside an element that is its own. Its page also needs `chart.css` and uPlot's style sheet. */
export class LineChart {
    #options;
    #write;
    #plot = make("div", { class: "plot", role: "img" });
    #legend = make("ul", { class: "chart-legend", "aria-hidden": "true" });
    #empty = make("p", { class: "chart-empty" }, "No figures yet.");
    #twin;
    #probe = make("span", { hidden: "" });
    #colours = new Map();
    #sizes;
    #chart = null;
    #at = [];
    #lines = [];
    #onTheme = () => {
        this.#colours.clear();
        this.#chart?.redraw(false);
    };
    constructor(root, options) {
        this.#options = options;
        this.#write = options.write ?? number;
        this.#twin = new Twin(options.title, this.#write, options.isByDay ?? false);
        const figure = make("figure", { class: "chart", role: "group", "aria-label": options.title });
        const title = make("figcaption", {}, options.title);
        figure.append(title, this.#legend, this.#plot, this.#empty, this.#twin.element, this.#probe);
        root.replaceChildren(figure);
        this.#sizes = new ResizeObserver(() => this.#fit());
        this.#sizes.observe(this.#plot);
        dark.addEventListener("change", this.#onTheme);
        this.clear();
    }
    /** Show lines over instants in Unix seconds, which rise. */
    show(at, lines) {
        const isSame = this.#chart !== null && sameLabels(lines, this.#lines);
        this.#at = at;
        this.#lines = lines;
        const isEmpty = at.length === 0 || lines.length === 0;
        this.#plot.hidden = this.#legend.hidden = this.#twin.element.hidden = isEmpty;
        this.#empty.hidden = !isEmpty;
        this.#plot.setAttribute("aria-label", described(this.#options.title, lines, this.#write));
        this.#twin.show(at, lines);
        if (isEmpty)
            return this.#forget();
        if (isSame)
            this.#chart?.setData(this.#data());
        else
            this.#draw();
        this.#tell(null);
    }
    /** Show that there is nothing. */
    clear() {
        this.show([], []);
    }
    /** Let go of everything outside the element. */
    destroy() {
        this.#sizes.disconnect();
        dark.removeEventListener("change", this.#onTheme);
        this.#forget();
    }
    #forget() {
        this.#chart?.destroy();
        this.#chart = null;
        this.#legend.replaceChildren();
    }
    #draw() {
        this.#forget();
        this.#legend.append(...this.#lines.map(({ label }, index) => key(label, index)));
        this.#chart = new uPlot(this.#described(), this.#data(), this.#plot);
    }
    #data() {
        return [[...this.#at], ...this.#lines.map(({ values }) => [...values])];
    }
    #described() {
        const { isByDay = false, isWhole = false, isFromZero = true, isLeastOnTop = false, together } = this.#options;
        const axis = { stroke: () => this.#colour("--soft"), font: FONT, grid: this.#rule(), ticks: this.#rule() };
        return {
            width: Math.max(1, this.#plot.clientWidth),
            height: this.#options.height ?? HEIGHT,
            legend: { show: false },
            cursor: {
                drag: { x: false, y: false },
                points: { size: 7 },
                ...(together === undefined ? {} : { sync: { key: together } }),
            },
            scales: {
                x: { time: true },
                y: { dir: isLeastOnTop ? -1 : 1, range: (_, low, high) => spanned(low, high, { isFromZero, isLeastOnTop }) },
            },
            ...(isByDay ? { tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC") } : {}),
            axes: [
                { ...axis, space: 64, values: (_, marks, __, ___, step) => marks.map((at) => marked(at, step, isByDay)) },
                {
                    ...axis,
                    space: 36,
                    size: (chart, marks) => this.#widthOf(chart, marks),
                    values: (_, marks) => marks.map(this.#write),
                    ...(isWhole ? { incrs: WHOLE_STEPS } : {}),
                },
            ],
            series: [{}, ...this.#lines.map(({ label }, index) => this.#stroke(label, index))],
            hooks: { setCursor: [(chart) => this.#tell(chart.cursor.idx ?? null)] },
        };
    }
    #stroke(label, index) {
        const stroke = () => this.#colour(colourOf(index));
        const points = { filter: (_, __, areShown) => (areShown ? null : this.#alone(index)) };
        return { label, width: 2, dash: [...strokeOf(index)], stroke, points };
    }
    /** The values that no line leads to, which would not be seen without a point. */
    #alone(index) {
        return alone(this.#lines[index]?.values ?? []);
    }
    #rule() {
        return { stroke: () => this.#colour("--line"), width: 1 };
    }
    #widthOf(chart, marks) {
        chart.ctx.save();
        chart.ctx.font = FONT;
        const widths = (marks ?? []).map((mark) => chart.ctx.measureText(mark).width);
        chart.ctx.restore();
        return Math.ceil(Math.max(0, ...widths)) + 20;
    }
    /** A colour of the style sheet as a canvas takes it. */
    #colour(name) {
        let colour = this.#colours.get(name);
        if (colour === undefined) {
            this.#probe.style.color = `var(${name})`;
            colour = getComputedStyle(this.#probe).color;
            this.#colours.set(name, colour);
        }
        return colour;
    }
    /** Tell the values at an index, or the newest. */
    #tell(index) {
        this.#lines.forEach(({ values }, line) => {
            const value = index === null ? newest(values) : (values[index] ?? null);
            const told = this.#legend.children[line]?.querySelector("strong");
            if (told)
                setText(told, value === null ? "–" : this.#write(value));
        });
    }
    #fit() {
        const width = this.#plot.clientWidth;
        if (this.#chart && width > 0 && width !== this.#chart.width) {
            this.#chart.setSize({ width, height: this.#chart.height });
        }
    }
}
function key(label, index) {
    const swatch = make("span", { class: "chart-key", "data-stroke": strokeOf(index).length > 0 ? "dashed" : "solid" });
    swatch.style.color = `var(${colourOf(index)})`;
    return make("li", {}, swatch, make("span", {}, label), " ", make("strong"));
}
function colourOf(index) {
    return `--chart-${(index % COLOURS) + 1}`;
}
function strokeOf(index) {
    return STROKES[Math.floor(index / COLOURS) % STROKES.length] ?? [];
}
function sameLabels(some, others) {
    return some.length === others.length && some.every(({ label }, index) => label === others[index]?.label);
}
