import assert from "node:assert/strict";
import { test } from "node:test";

import { Collection, readAchievements } from "../../static/js/achievements.js";
import { parseFrame } from "../../static/js/frames.js";

const told = (id, more = {}) => ({ id, title: id, description: "", icon: "star", repeat: "once", rarity: null, ...more });
const unlock = (achievementId, scope = "", day = 1) => ({
  achievementId,
  title: achievementId,
  icon: "star",
  scope,
  unlockedAt: `2026-11-0${day}T09:15:00.000Z`,
});
const all = readAchievements({
  achievements: [
    told("secret", { title: null, description: null, icon: null }),
    told("far", { count: { actions: ["win", "share"], goal: 10 } }),
    told("near", { count: { actions: ["win"], goal: 3 } }),
    told("old"),
    told("new"),
  ],
});
const own = {
  unlocked: [unlock("old"), unlock("new", "2026-W44", 2), unlock("new", "2026-W45", 3)],
  progress: [
    { achievementId: "far", steps: 1, goal: 10, scope: "" },
    { achievementId: "near", steps: 1, goal: 3, scope: "" },
  ],
};
const ids = (collection) => collection.rows.map((row) => row.achievement.id);

test("what is unlocked comes first, the newest before; then the nearest, and what is secret last", () => {
  const collection = new Collection(all, own);
  assert.deepEqual(ids(collection), ["new", "old", "near", "far", "secret"]);
  assert.deepEqual(collection.rows[0].times, 2);
  assert.equal(collection.rows[0].unlockedAt, "2026-11-03T09:15:00.000Z");
});

test("an unlock that is told twice is news once, and one of another scope is news", () => {
  const collection = new Collection(all, own);
  assert.equal(collection.learn(unlock("near", "", 4)), true);
  assert.equal(collection.learn(unlock("near", "", 4)), false);
  assert.equal(collection.learn(unlock("new", "2026-W46", 5)), true);
  assert.equal(collection.rows.find((row) => row.achievement.id === "near").steps, null);
});

test("a use of an action is a step, and the last step is the server's to tell", () => {
  const collection = new Collection(all, own);
  for (let use = 0; use < 5; use += 1) collection.count("win");
  const steps = Object.fromEntries(collection.rows.map((row) => [row.achievement.id, row.steps]));
  assert.deepEqual([steps.near, steps.far], [2, 6]);
});

test("a list that has more than is known says so, and what is missing is found", () => {
  const before = new Collection(all, own);
  assert.equal(before.hasAll(["old", "new"]), true);
  assert.equal(before.hasAll(["old", "secret"]), false);
  const after = new Collection(all, { ...own, unlocked: [...own.unlocked, unlock("secret", "", 6)] });
  assert.deepEqual(after.beyond(before).map((one) => one.achievementId), ["secret"]);
  assert.equal(after.canTell("secret"), false);
});

test("frames about achievements are read, and a damaged one is passed over", () => {
  assert.deepEqual(parseFrame('{"type": "achievements", "unlocked": ["old"]}'), { type: "achievements", unlocked: ["old"] });
  const frame = parseFrame(JSON.stringify({ type: "achievement", achievement: unlock("old") }));
  assert.deepEqual(frame, { type: "achievement", unlock: unlock("old") });
  assert.equal(parseFrame('{"type": "achievement", "achievement": {}}'), null);
});
