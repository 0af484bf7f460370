import assert from "node:assert/strict";
import { test } from "node:test";

import { news } from "../../static/js/announcer.js";
import { Standings, current } from "../../static/js/standing.js";

const at = (second) => `2026-11-23T09:15:0${second}.000Z`;
const entry = (userId, rank, score, second) => ({ userId, username: userId, score, rank, lastUpdated: at(second) });
const board = (second, ...entries) => ({ period: "all", epoch: "e", seq: 1, at: at(second), limit: 2, total: 9, entries });
const standing = (score, rank, second, listedAs = null) => ({ score, rank, lastUpdated: at(second), listedAs });

test("the board tells where the player stands as soon as it is as new as their last answer", () => {
  const seen = board(2, entry("ada", 1, 30, 2), entry("bob", 2, 20, 1));
  assert.deepEqual(current(standing(25, 2, 1), seen, "ada"), standing(30, 1, 2));
  assert.deepEqual(current(standing(55, 1, 3), seen, "ada"), standing(55, 1, 3));
  assert.deepEqual(current(null, seen, "ada"), standing(30, 1, 2));
  assert.deepEqual(current(standing(25, 2, 1, "bob"), seen, "cy"), standing(20, 2, 1, "bob"));
  assert.deepEqual(current(standing(5, 2, 1, "ada"), seen, "cy"), standing(30, 1, 2, "ada"));
});

test("who was pushed off the list is no longer shown on it", () => {
  const seen = board(2, entry("ada", 1, 30, 2), entry("bob", 2, 20, 2));
  assert.equal(current(standing(10, 2, 1), seen, "cy").rank, 3);
  assert.equal(current(standing(10, 7, 1), seen, "cy").rank, 7);
});

test("who has not scored has no rank", () => {
  const none = { score: 0, rank: null, lastUpdated: null };
  assert.deepEqual(current(none, board(2), "ada"), none);
  assert.equal(current(null, board(2), "ada"), null);
  assert.equal(current(null, null, "ada"), null);
});

test("of two answers the later counts, in whatever order they come", () => {
  const early = standing(10, 4, 1);
  const late = standing(35, 2, 2);
  for (const answers of [[early, late], [late, early]]) {
    const standings = new Standings();
    for (const answer of answers) standings.learn("all", answer);
    assert.equal(standings.in("all"), late);
  }
});

test("what was told of one period is not said of another, and is asked for once", () => {
  const standings = new Standings();
  standings.learn("all", standing(35, 2, 2));
  assert.equal(standings.in("2026-11-23"), null);
  assert.deepEqual([standings.wants("all"), standings.wants("all"), standings.wants("2026-11-23")], [true, false, true]);
});

test("another list is introduced, whoever led the one before", () => {
  const before = { board: board(1, entry("ada", 1, 30, 1)), standing: standing(20, 2, 1), opening: "All time" };
  const week = { ...board(1, entry("bob", 1, 1045, 2)), period: "2026-W48" };
  assert.equal(
    news(before, { board: week, standing: null, opening: "This week" }),
    "This week: 9 players. bob leads with 1,045 points.",
  );
  const empty = { ...board(1), period: "2026-W49", total: 0 };
  assert.equal(
    news(before, { board: empty, standing: null, opening: "A new week has begun" }),
    "A new week has begun: nobody has scored yet.",
  );
});

test("a new leader and the player's new rank are news, points alone are not", () => {
  const before = { board: board(1, entry("ada", 1, 30, 1), entry("bob", 2, 20, 1)), standing: standing(20, 2, 1) };
  const led = board(2, entry("bob", 1, 1045, 2), entry("ada", 2, 30, 1));
  assert.equal(
    news(before, { board: led, standing: standing(1045, 1, 2) }),
    "bob leads with 1,045 points. You are number 1 with 1,045 points.",
  );
  assert.equal(news(before, { board: board(2, entry("ada", 1, 40, 2)), standing: standing(25, 2, 2) }), "");
});
