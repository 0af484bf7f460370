import assert from "node:assert/strict";
import { test } from "node:test";

import { parseFrame } from "../../static/js/frames.js";
import { Seasons, readSeason } from "../../static/js/seasons.js";

const [startsAt, endsAt] = ["2026-03-01T00:00:00.000Z", "2026-06-01T00:00:00.000Z"];
const told = { period: "s-spring-2026", title: "Spring", startsAt, endsAt };
const ends = Date.parse(endsAt);

test("a season is called by its title, or else by its id", () => {
  assert.deepEqual(readSeason(told), { period: "s-spring-2026", label: "Spring", ends });
  assert.equal(readSeason({ ...told, title: "" }).label, "spring-2026");
});

test("what a snapshot tells of a season is newer than what the page was made with", () => {
  const seasons = new Seasons(JSON.stringify([told]));
  assert.equal(seasons.find("s-spring-2026")?.ends, ends);
  const later = "2026-06-08T00:00:00.000Z";
  const { season } = parseFrame(
    JSON.stringify({
      ...{ type: "snapshot", period: "s-spring-2026", epoch: "e", seq: 1, at: startsAt, limit: 10, total: 0 },
      entries: [],
      season: { ...told, endsAt: later },
    }),
  );
  seasons.learn(season);
  assert.equal(seasons.find("s-spring-2026")?.ends, Date.parse(later));
});

test("a page of a board without seasons knows of none", () => {
  assert.equal(new Seasons(undefined).find("s-spring-2026"), null);
});

test("a season without an end is no season, and the frame none", () => {
  const frame = { type: "resumed", epoch: "e", seq: 1, season: { ...told, endsAt: "soon" } };
  assert.equal(parseFrame(JSON.stringify(frame)), null);
});
