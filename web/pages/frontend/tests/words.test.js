import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, NoAnswer, isInDoubt, isPassing } from "../../static/js/api.js";
import { backoff } from "../../static/js/backoff.js";
import { ago, gain, number, players, wait } from "../../static/js/format.js";
import { aboutField, limited, problemsOfKnown, problemsOfNew, sentence } from "../../static/js/sentences.js";

const NOW = Date.parse("2026-11-23T09:15:00.000Z");
const before = (seconds) => new Date(NOW - seconds * 1000).toISOString();
const error = (status, code, message = "…") => new ApiError(status, { code, message }, null);

test("numbers have groups, gains have signs, one player is one", () => {
  assert.equal(number(9007199254740991), "9,007,199,254,740,991");
  assert.deepEqual([gain(25), gain(0), gain(-1500)], ["+25", "0", "-1,500"]);
  assert.deepEqual([players(0), players(1), players(1234)], ["0 players", "1 player", "1,234 players"]);
});

test("times past are said in the largest unit that fits, and the future is now", () => {
  assert.deepEqual(
    [-5, 0, 9, 42, 200, 7300, 90_000, 200_000].map((seconds) => ago(before(seconds), NOW)),
    ["just now", "just now", "just now", "42 sec. ago", "3 min. ago", "2 hr. ago", "25 hr. ago", "2 days ago"],
  );
  assert.equal(ago("", NOW), "just now");
});

test("waits are said as exactly as they matter", () => {
  assert.deepEqual([1, 59, 60, 65, 301, 3540].map(wait), ["1 s", "59 s", "1 min", "1 min 5 s", "6 min", "59 min"]);
});

test("the back-off doubles up to its most, and chance takes up to half of it", () => {
  assert.deepEqual([0, 1, 2, 10, 5000].map((attempt) => backoff(attempt, 500, 8000, () => 1)), [500, 1000, 2000, 8000, 8000]);
  assert.equal(backoff(1, 500, 8000, () => 0), 500);
});

test("errors are said to people; what we have no sentence for the server has said itself", () => {
  assert.match(sentence(error(401, "invalid_credentials")), /do not belong together/);
  assert.match(sentence(new NoAnswer()), /cannot be reached/);
  assert.equal(sentence(error(409, "action_on_cooldown", "Wait until tomorrow.")), "Wait until tomorrow.");
  assert.match(limited(error(429, "rate_limited"), 12), /in 12 s\.$/);
});

test("problems of fields are said in the words of the form", () => {
  assert.match(aboutField({ field: "username", message: "Value error, this name is reserved" }), /reserved/);
  assert.match(aboutField({ field: "username", message: "String should match pattern '^[A-Z…" }), /^Use 3 to 32/);
  assert.match(aboutField({ field: "password", message: "Value error, is one of the most common…" }), /guessed first/);
  assert.match(aboutField({ field: "password", message: "String should have at least 8 characters" }), /8 to 128/);
  assert.deepEqual(problemsOfNew("-rf", "correct horse").map(({ field }) => field), ["username"]);
  assert.deepEqual(problemsOfNew("ada", "correct horse"), []);
  assert.deepEqual(problemsOfNew("a b", "short").map(({ field }) => field), ["username", "password"]);
  assert.deepEqual(problemsOfKnown("", "").map(({ field }) => field), ["username", "password"]);
});

test("what may have counted is told from what did not, and both are tried again", () => {
  const unknown = error(503, "outcome_unknown");
  const away = error(503, "dependency_unavailable");
  assert.deepEqual([unknown, error(500, "internal_error"), new NoAnswer()].map(isInDoubt), [true, true, true]);
  assert.deepEqual([away, error(503, "rebuilding"), error(409, "board_closed")].map(isInDoubt), [false, false, false]);
  assert.deepEqual([unknown, away].map(isPassing), [true, true]);
  assert.match(sentence(unknown), /may have been done/);
});
