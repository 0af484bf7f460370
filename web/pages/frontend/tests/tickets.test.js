import assert from "node:assert/strict";
import { test } from "node:test";

import { Ration } from "../../static/js/tickets.js";

const MINUTE = 60_000;

test("ten in ten minutes are taken, and one more when the first is that long ago", () => {
  const ration = new Ration();
  const taken = [...Array(12).keys()].map((second) => ration.take(second * 1000));
  assert.deepEqual(taken, [...Array(10).fill(true), false, false]);
  assert.deepEqual([ration.take(10 * MINUTE), ration.take(10 * MINUTE)], [true, false]);
});

test("one that was given back can be taken again", () => {
  const ration = new Ration();
  for (let taken = 0; taken < 10; taken += 1) ration.take(0);
  ration.giveBack();
  assert.deepEqual([ration.take(0), ration.take(0)], [true, false]);
});
