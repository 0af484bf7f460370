import assert from "node:assert/strict";
import { test } from "node:test";

import { doubled, nameOf, next, version } from "../../static/js/board.js";
import { parseFrame } from "../../static/js/frames.js";

const plain = { displayName: null, country: null, avatar: null };
const at = "2026-11-23T09:15:00.000Z";
const entry = (userId, rank, score) => ({ userId, username: userId, ...plain, score, rank, lastUpdated: at });

const snapshot = (fields = {}) => ({
  type: "snapshot",
  period: "all",
  epoch: "e1",
  seq: 41,
  at: "2026-11-23T09:15:00.000Z",
  limit: 3,
  total: 3,
  season: null,
  entries: [entry("ada", 1, 30), entry("bob", 2, 20), entry("cy", 3, 10)],
  ...fields,
});

const delta = (fields = {}) => ({
  type: "delta",
  epoch: "e1",
  from: 41,
  seq: 42,
  at: "2026-11-23T09:15:01.000Z",
  total: 3,
  entries: [],
  removed: [],
  ...fields,
});

const spring = { period: "s-spring", label: "Spring", ends: 5 };

const names = (board) => board.entries.map(({ userId }) => userId);
const start = () => next(null, snapshot());

test("a snapshot is the board", () => {
  const board = start();
  assert.deepEqual(names(board), ["ada", "bob", "cy"]);
  assert.equal(version(board), "e1:41");
});

test("a delta moves who changed and leaves the rest", () => {
  const board = next(start(), delta({ entries: [entry("cy", 1, 35), entry("ada", 2, 30), entry("bob", 3, 20)] }));
  assert.deepEqual(names(board), ["cy", "ada", "bob"]);
  assert.equal(version(board), "e1:42");
  assert.equal(board.at, "2026-11-23T09:15:01.000Z");
  assert.equal(board.period, "all");
});

test("who left the list is gone, and who came is there", () => {
  const board = next(start(), delta({ total: 4, entries: [entry("dee", 3, 15)], removed: ["cy"] }));
  assert.deepEqual(names(board), ["ada", "bob", "dee"]);
  assert.equal(board.total, 4);
});

test("a list that is not full grows", () => {
  const empty = next(null, snapshot({ total: 0, entries: [] }));
  assert.deepEqual(names(next(empty, delta({ total: 1, entries: [entry("ada", 1, 5)] }))), ["ada"]);
});

test("a delta that does not follow asks for a snapshot", () => {
  assert.equal(next(start(), delta({ from: 42, seq: 43 })), null);
  assert.equal(next(start(), delta({ epoch: "e2" })), null);
  assert.equal(next(null, delta()), null);
});

test("a list with a gap, a double or a missing row is never shown", () => {
  assert.equal(next(start(), delta({ removed: ["bob"] })), null);
  assert.equal(next(start(), delta({ entries: [entry("cy", 2, 20)] })), null);
  assert.equal(next(start(), delta({ total: 2 })), null);
});

test("a stream is resumed only where it was left", () => {
  const board = start();
  assert.deepEqual(next(board, { type: "resumed", epoch: "e1", seq: 41, season: null }), board);
  assert.deepEqual(next(board, { type: "resumed", epoch: "e1", seq: 41, season: spring }), { ...board, season: spring });
  assert.equal(next(board, { type: "resumed", epoch: "e1", seq: 42 }), null);
  assert.equal(next(null, { type: "resumed", epoch: "e1", seq: 41 }), null);
});

test("an applied frame does not change the board it was applied to", () => {
  const board = start();
  next(board, delta({ total: 4, entries: [entry("dee", 3, 15)], removed: ["cy"] }));
  assert.deepEqual(names(board), ["ada", "bob", "cy"]);
});

test("frames of the wire are read", () => {
  assert.deepEqual(parseFrame(JSON.stringify({ ...snapshot(), board: "main" })), snapshot());
  assert.deepEqual(parseFrame(JSON.stringify(delta({ removed: ["cy"] }))), delta({ removed: ["cy"] }));
  assert.deepEqual(parseFrame('{"type":"hb"}'), { type: "hb" });
  assert.deepEqual(parseFrame('{"type":"rollover","period":"2026-W49"}'), { type: "rollover" });
  const { score, rank, lastUpdated, ...user } = entry("ada", 12, 5);
  const me = { type: "me", seq: 42, entry: { ...user, score, rank, lastUpdated }, previousRank: null };
  assert.deepEqual(parseFrame(JSON.stringify(me)), { type: "me", standing: { score, rank, lastUpdated, listedAs: null } });
});

test("of players of one name the usernames are shown, and of nobody else", () => {
  const named = (userId, displayName) => ({ ...entry(userId, 1, 5), displayName });
  assert.deepEqual([...doubled([named("a", "Ada"), named("b", "Ada"), named("c", "Cy"), entry("d", 4, 1)])], ["a", "b"]);
  assert.deepEqual([...doubled([named("a", "bob"), entry("bob", 2, 1)])], ["a"]);
  assert.equal(nameOf(named("a", "Ada")), "Ada");
  assert.equal(nameOf(entry("a", 1, 5)), "a");
});

test("a frame that is unknown or damaged is none", () => {
  for (const text of ['{"type":"me"}', "[]", "{", '""', JSON.stringify(delta({ seq: "42" })), new ArrayBuffer(1)]) {
    assert.equal(parseFrame(text), null);
  }
});

test("after a thousand random frames the board is the one they came from", () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e6);
  let state = seed;
  const random = (below) => (state = (state * 48271 + 11) % 2147483647) % below;
  const scores = new Map();
  const head = () =>
    [...scores]
      .sort(([one, a], [other, b]) => b - a || one.localeCompare(other))
      .slice(0, 3)
      .map(([userId, score], index) => entry(userId, index + 1, score));
  let shown = [];
  let board = next(null, snapshot({ seq: 0, total: 0, entries: [] }));
  for (let seq = 1; seq <= 1000; seq += 1) {
    const userId = `p${random(8)}`;
    scores.set(userId, (scores.get(userId) ?? 0) + random(20) - 6);
    const now = head();
    const entries = now.filter((one) => !shown.some((old) => JSON.stringify(old) === JSON.stringify(one)));
    const removed = shown.map((old) => old.userId).filter((id) => !now.some((one) => one.userId === id));
    board = next(board, delta({ from: seq - 1, seq, total: scores.size, entries, removed }));
    assert.deepEqual(board?.entries, now, `seed ${seed}, frame ${seq}`);
    shown = now;
  }
});
