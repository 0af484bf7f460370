import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { scoreText } from "../../static/js/scores.js";

const vectors = JSON.parse(readFileSync(new URL("score_vectors.json", import.meta.url)));

for (const { score, format, text } of vectors) {
  test(`${score} as ${format} is ${text}`, () => assert.equal(scoreText(score, format), text));
}
