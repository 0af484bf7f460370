import assert from "node:assert/strict";
import { test } from "node:test";

import { moves } from "../../static/js/admin/board.js";
import { address, parse } from "../../static/js/admin/routes.js";
import { aboutField, asEnd, asInstant, told } from "../../static/js/admin/words.js";

const VIEWS = ["players", "player", "boards"];
const BOARD = { boardId: "laps", state: "open", closesAt: null };

test("an address leads to the view that it was made of", () => {
  for (const route of [{ view: "player", subject: "3f2b-8c1e" }, { view: "boards", subject: "" }]) {
    assert.deepEqual(parse(address(route), VIEWS), route);
  }
});

test("an address of no view leads to the first one, and a broken one to no subject", () => {
  assert.deepEqual(parse("#nothing/of-this", VIEWS), { view: "players", subject: "" });
  assert.deepEqual(parse("#player/%E0%A4%A", VIEWS), { view: "player", subject: "" });
});

test("only such moves of a board are offered as the server takes", () => {
  assert.deepEqual(moves(BOARD), ["close", "archive"]);
  assert.deepEqual(moves({ ...BOARD, closesAt: "2026-11-30T00:00:00.000Z" }), ["open", "close", "archive"]);
  assert.deepEqual(moves({ ...BOARD, state: "closed" }), ["open", "archive"]);
  assert.deepEqual(moves({ ...BOARD, state: "archived" }), []);
  assert.deepEqual(moves({ ...BOARD, boardId: "main" }), ["close"]);
});

test("what the API says of a field is a sentence", () => {
  assert.equal(aboutField("must not be 0"), "It must not be 0.");
  assert.equal(aboutField("the board is open already"), "The board is open already.");
});

test("a local time that is none is no instant", () => {
  assert.equal(asInstant(""), null);
  assert.equal(asInstant("2026-11-27T14:00:00"), new Date(2026, 10, 27, 14).toISOString());
});

test("the last second of a span belongs to it as a whole", () => {
  assert.equal(asEnd(""), null);
  assert.equal(asEnd("2026-11-27T14:03:22"), new Date(2026, 10, 27, 14, 3, 22, 999).toISOString());
});

test("details of a change are told name by name, and its changes as from and to", () => {
  assert.equal(told({ board: "main", amount: -50 }), "board: main; amount: -50");
  assert.equal(told({ changes: [{ path: "boards.golf.title", from: null, to: "Golf" }] }), "boards.golf.title: null → Golf");
});
