import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { hmac } from "../../static/js/vendor/noble-hashes/hmac.js";
import { sha256 } from "../../static/js/vendor/noble-hashes/sha2.js";
import { newIdempotencyKey, signature } from "../../static/js/signing.js";

globalThis.crypto ??= webcrypto; // Node 18 has it only here

const vectors = JSON.parse(readFileSync(new URL("signing_vectors.json", import.meta.url), "utf8"));
const hex = (bytes) => Buffer.from(bytes).toString("hex");

const inContext = async (isSecure, act) => {
  Object.defineProperty(globalThis, "isSecureContext", { value: isSecure, configurable: true });
  await act();
  delete globalThis.isSecureContext;
};

test("what is signed here is what the server expects, with WebCrypto and without", async () => {
  for (const isSecure of [true, false]) {
    await inContext(isSecure, async () => {
      for (const { claim, signingKey, signature: expected } of vectors) {
        assert.equal(await signature(claim, signingKey), expected);
      }
    });
  }
});

test("SHA-256 of the examples of FIPS 180-4", () => {
  const digests = {
    "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    abc: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq:
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  };
  for (const [message, digest] of Object.entries(digests)) {
    assert.equal(hex(sha256(Buffer.from(message))), digest);
  }
});

test("HMAC-SHA256 of RFC 4231, cases 1, 2 and 6", () => {
  const cases = [
    [Buffer.alloc(20, 0x0b), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
    [Buffer.from("Jefe"), "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"],
    [
      Buffer.alloc(131, 0xaa),
      "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
  ];
  for (const [key, message, mac] of cases) assert.equal(hex(hmac(sha256, key, Buffer.from(message))), mac);
});

test("both agree with Node's at every length around the block boundaries", () => {
  for (let length = 0; length <= 200; length += 1) {
    const message = randomBytes(length);
    assert.equal(hex(sha256(message)), createHash("sha256").update(message).digest("hex"));
    const key = randomBytes(200 - length);
    assert.equal(hex(hmac(sha256, key, message)), createHmac("sha256", key).update(message).digest("hex"));
  }
});

test("idempotency keys are of the form the server takes, and differ", () => {
  const keys = new Set(Array.from({ length: 100 }, newIdempotencyKey));
  assert.equal(keys.size, 100);
  for (const key of keys) assert.match(key, /^[A-Za-z0-9_-]{8,64}$/);
});
