import assert from "node:assert/strict";
import { test } from "node:test";

import { firstDay } from "../../static/js/dashboard/analytics.js";
import { duration, rate, share } from "../../static/js/dashboard/figures.js";
import { kept, line, lines, readSample, timeline } from "../../static/js/dashboard/samples.js";

const AT = Date.parse("2026-11-27T10:00:00Z") / 1000;
const BODY = {
  at: "2026-11-27T10:00:00.000Z",
  seconds: 10,
  accepted: null,
  applied: 2.5,
  quarantined: 0,
  answerSeconds: { p50: 0.01, p95: 0.02, p99: 0.5 },
  errors: { rate_limited: 0.5 },
  limitViolations: {},
  cacheHitShare: 1,
  viewers: 3,
  inboxDepth: null,
  oldestSeconds: null,
  submitSeconds: null,
  appliedSeconds: null,
  shownSeconds: null,
  batchSize: null,
  standingsPerUpdate: null,
  drift: null,
  choresWaiting: 0,
};
const sample = (at, more = {}) => ({ ...readSample(BODY), at, ...more });

test("samples of the last hour are kept, and newer ones take the place of older ones of their instant", () => {
  const before = [sample(AT - 3700), sample(AT - 20), sample(AT - 10, { viewers: 1 })];
  const now = kept(before, [sample(AT, { viewers: 5 }), sample(AT - 10, { viewers: 4 })], AT);
  assert.deepEqual(now.map(({ at, viewers }) => [at - AT, viewers]), [[-20, 3], [-10, 4], [0, 5]]);
});

test("no line leads across a span of which nothing is known", () => {
  const told = timeline([sample(AT), sample(AT + 10), sample(AT + 60)]);
  assert.deepEqual(told.at.map((at) => at - AT), [0, 10, 20, 60]);
  assert.deepEqual(line("viewers", told, ({ viewers }) => viewers).values, [3, 3, null, 3]);
});

test("codes have a line each, the most frequent first, and what is beyond the eighth is one line", () => {
  const codes = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`code_${index}`, index]));
  const made = lines(timeline([sample(AT, { errors: codes })]), ({ errors }) => errors);
  assert.deepEqual(made.map(({ label }) => label).slice(0, 2), ["code 11", "code 10"]);
  assert.deepEqual([made.length, made.at(-1)], [8, { label: "others", values: [10] }]);
});

test("a value that the server does not know is none", () => {
  const told = timeline([readSample(BODY)]);
  assert.deepEqual(line("waiting", told, ({ depth }) => depth).values, [null]);
  assert.throws(() => readSample({ ...BODY, viewers: "3" }));
});

test("rates, durations and shares are written as exactly as they matter", () => {
  assert.deepEqual([rate(0), rate(0.1234), rate(41.52)], ["0", "0.123", "41.5"]);
  assert.deepEqual([duration(0.0125), duration(1.25), duration(90), duration(600)], ["12.5 ms", "1.25 s", "90 s", "10 min"]);
  assert.equal(share(0.998), "99.8%");
});

test("the first of so many days is one of UTC", () => {
  assert.equal(firstDay(1, AT * 1000), "2026-11-27");
  assert.equal(firstDay(30, AT * 1000), "2026-10-29");
});
