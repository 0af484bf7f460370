import assert from "node:assert/strict";
import { test } from "node:test";

import { isStandIn } from "../../static/js/board.js";
import { arrow, spoken } from "../../static/js/movement.js";
import { readBoards, readDays, readPerson, readPlacement } from "../../static/js/past/player.js";
import { readRace } from "../../static/js/past/race_lines.js";
import { readShelf, readTitles } from "../../static/js/past/shelf.js";

const seconds = (instant) => Date.parse(instant) / 1000;
const NOON = "2026-11-23T12:00:00.000Z";
const ONE = "2026-11-23T13:00:00.000Z";

test("the ways of a race are lines over the instants of all of them", () => {
  const race = readRace({
    series: [
      { userId: "a", username: "ada", displayName: "Ada", points: [{ at: NOON, score: 1 }, { at: ONE, score: 101 }] },
      { userId: "b", username: "ben", points: [{ at: ONE, score: 25 }] },
    ],
  });
  assert.deepEqual(race.at, [seconds(NOON), seconds(ONE)]);
  assert.deepEqual(race.lines, [
    { label: "Ada", values: [1, 101] },
    { label: "ben", values: [null, 25] },
  ]);
  assert.equal(race.isLeastOnTop, false);
});

test("where the least score leads it is on top", () => {
  const way = (username, score) => ({ userId: username, username, points: [{ at: NOON, score }] });
  assert.equal(readRace({ series: [way("ada", 61_200), way("ben", 61_300)] }).isLeastOnTop, true);
  assert.deepEqual(readRace({ series: [] }), { at: [], lines: [], isLeastOnTop: false });
});

test("days are those of UTC", () => {
  const days = readDays({ points: [{ day: "2026-11-23", score: 125, rank: 3, total: 9 }] });
  assert.deepEqual(days, [{ at: seconds("2026-11-23T00:00:00Z"), score: 125, rank: 3 }]);
});

const place = { userId: "a", username: "ada", score: 125, rank: 3, total: 9, percentile: 75, lastUpdated: NOON };

test("a player has what they have set, and sees what others do not", () => {
  const plain = { username: "ada", displayName: null, country: null, avatar: null, score: 125, rank: 3, total: 9 };
  assert.deepEqual(readPerson(place), { ...plain, veil: "" });
  assert.equal(readPerson({ ...place, displayName: "Ada", avatar: 7 }).displayName, "Ada");
  assert.match(readPerson({ ...place, listedAs: "x" }).veil, /Anonymous/);
  assert.match(readPerson({ ...place, rank: null, listed: false, wouldRank: 2, why: "unlisted" }).veil, /no board/);
});

test("final places and boards are read as they are told", () => {
  const told = { board: "main", period: "2026-W48", rank: 1, total: 12, score: 300, closedAt: NOON };
  assert.deepEqual(readPlacement({ ...told, more: 1 }), told);
  assert.deepEqual(readBoards({ boards: [{ board: "laps", period: "all", score: 1, rank: 1, total: 1 }] }), ["laps"]);
  assert.throws(() => readPlacement({ ...told, rank: "1" }));
});

test("what was achieved last stands first, and steps have the titles of the list", () => {
  const titles = readTitles({
    achievements: [
      { id: "ten-wins", title: "Ten wins" },
      { id: "secret", title: null },
    ],
  });
  const shelf = readShelf(
    {
      unlocked: [
        { achievementId: "early", title: "Early", icon: "star", unlockedAt: NOON, scope: "" },
        { achievementId: "weekly", unlockedAt: ONE, scope: "2026-W48", board: "main" },
      ],
      progress: [
        { achievementId: "ten-wins", steps: 3, goal: 10 },
        { achievementId: "secret", steps: 0, goal: 1 },
      ],
    },
    titles,
  );
  assert.deepEqual(shelf.unlocked, [
    { title: "weekly", unlockedAt: ONE, scope: "2026-W48" },
    { title: "Early", unlockedAt: NOON, scope: "" },
  ]);
  assert.deepEqual(shelf.progress, [
    { title: "Ten wins", steps: 3, goal: 10 },
    { title: "secret", steps: 0, goal: 1 },
  ]);
  assert.deepEqual(readShelf({ unlocked: [] }, titles), { unlocked: [], progress: [] });
});

test("who is not named has no page", () => {
  assert.equal(isStandIn("3f2b8c1e-5d4a-8c3b-9a2e-7f6d5c4b3a21"), true);
  assert.equal(isStandIn("3f2b8c1e-5d4a-4c3b-9a2e-7f6d5c4b3a21"), false);
});

test("movement is an arrow for eyes and words for ears", () => {
  assert.deepEqual([2, -1, 0].map(arrow), ["▲2", "▼1", ""]);
  assert.deepEqual([2, -1, 0].map(spoken), [", up 2 since yesterday", ", down 1 since yesterday", ""]);
});
