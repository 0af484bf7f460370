import assert from "node:assert/strict";
import { test } from "node:test";

import { alone, described, marked, named, newest, spanned } from "../../static/js/chart_words.js";

const DAY = Date.parse("2026-11-27T00:00:00Z") / 1000;
const FROM_ZERO = { isFromZero: true, isLeastOnTop: false };

test("a chart says of each line its newest value, the lowest and the highest", () => {
  const lines = [
    { label: "viewers", values: [3, 12, null, 7, null] },
    { label: "errors", values: [null, null] },
  ];
  assert.equal(
    described("Now", lines),
    "Chart of Now. viewers: 7 at the end, between 3 and 12. errors: no values.",
  );
});

test("the newest value is the last that is known", () => {
  assert.deepEqual([newest([1, 2, null]), newest([null]), newest([0])], [2, null, 0]);
});

test("a value between two that are not known stands alone", () => {
  assert.deepEqual(alone([1, null, 2, 3, null, 0, null, 4]), [0, 5, 7]);
  assert.deepEqual(alone([]), []);
});

test("days are those of UTC wherever the reader is", () => {
  assert.deepEqual([named(DAY, true), marked(DAY, 86_400, true)], ["2026-11-27", "Nov 27"]);
});

test("an axis of time shows as much as its step needs", () => {
  const at = new Date(2026, 10, 27, 14, 3, 22).getTime() / 1000;
  assert.deepEqual(
    [10, 300, 86_400].map((step) => marked(at, step, false)),
    ["14:03:22", "14:03", "Nov 27"],
  );
});

test("an axis is never of no height, begins at 0, and holds what is below it", () => {
  assert.deepEqual(spanned(null, null, FROM_ZERO), [0, 1]);
  assert.deepEqual(spanned(0, 0, FROM_ZERO), [0, 1]);
  assert.deepEqual(spanned(5, 10, FROM_ZERO), [0, 11]);
  assert.ok(spanned(-10, 0, FROM_ZERO)[0] < -10);
  assert.deepEqual(spanned(7, 7, { isFromZero: false, isLeastOnTop: false }), [6, 8]);
});

test("an axis of ranks does not go beyond the first", () => {
  const [top, bottom] = spanned(1, 1, { isFromZero: false, isLeastOnTop: true });
  assert.ok(top >= 0 && top < 1 && bottom > 1);
});
