import assert from "node:assert/strict";
import { test } from "node:test";

import { sentenceOf } from "../../static/js/status.js";

const HEARD_AT = new Date(2026, 10, 23, 9, 15, 7).getTime();
const status = (fields) => ({ connection: "live", heardAt: HEARD_AT, awaited: "", begun: "", ...fields });

test("a live list needs no words, unless it has just begun", () => {
  assert.equal(sentenceOf(status()), "");
  assert.equal(sentenceOf(status({ begun: "A new week has begun." })), "A new week has begun.");
  assert.equal(sentenceOf(status({ awaited: "Today" })), "");
});

test("a list that stands still says since when, and what it waits for", () => {
  assert.equal(sentenceOf(status({ connection: "reconnecting" })), "As it stood at 09:15:07.");
  assert.equal(
    sentenceOf(status({ connection: "offline", awaited: "Today" })),
    "As it stood at 09:15:07. “Today” is on its way.",
  );
  assert.match(sentenceOf(status({ connection: "waiting" })), /^The list cannot be read right now\. .* As it stood at/);
});

test("where there was no list yet the table speaks for itself", () => {
  assert.equal(sentenceOf(status({ connection: "waiting", heardAt: null })), "");
});
