import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { endOf, ending } from "../../static/js/periods.js";

const vectors = JSON.parse(readFileSync(new URL("period_vectors.json", import.meta.url)));

test("a period ends when the server says it ends", () => {
  for (const { period, endsAt } of vectors) assert.equal(endOf(period), Date.parse(endsAt), period);
});

test("all time has no end, and neither has an id of no known form", () => {
  for (const id of ["all", "", "daily", "2026", "2026-11-2", "2026-W4", "20261123"]) assert.equal(endOf(id), null, id);
});

test("an end is said in the largest unit that fits, and one that is just over is near", () => {
  const end = Date.parse("2026-11-24T00:00:00.000Z");
  assert.deepEqual(
    [200_000, 172_800, 172_799, 19_000, 3_600, 3_599, 60, 59, 0, -59].map((seconds) => ending(end, end - seconds * 1000)),
    ["2 days", "2 days", "47 h", "5 h", "1 h", "59 min", "1 min", "a moment", "a moment", "a moment"].map(
      (left) => `ends in ${left}`,
    ),
  );
  assert.equal(ending(end, end + 60_000), "ended");
});
