/**
 * SHA-256 (FIPS 180-4) and HMAC-SHA256 (RFC 2104) in plain arithmetic.
 *
 * Browsers keep WebCrypto from pages that came over plain HTTP, save from the machine itself. A board on a local
 * network is such a page, and its players have to sign too.
 */
const BLOCK_BYTES = 64;
const firstPrimes = (count) => {
    const primes = [];
    for (let number = 2; primes.length < count; number += 1) {
        if (primes.every((prime) => number % prime !== 0))
            primes.push(number);
    }
    return primes;
};
/** The first 32 bits of the fraction: section 4.2.2 takes cube roots of primes, section 5.3.3 square roots. */
const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
const ROUND_CONSTANTS = Int32Array.from(firstPrimes(64), (prime) => fraction(Math.cbrt(prime)));
const INITIAL_HASH = Int32Array.from(firstPrimes(8), (prime) => fraction(Math.sqrt(prime)));
export function hmacSha256(key, message) {
    const block = new Uint8Array(BLOCK_BYTES);
    block.set(key.length > BLOCK_BYTES ? sha256(key) : key);
    const inner = sha256(joined(block.map((byte) => byte ^ 0x36), message));
    return sha256(joined(block.map((byte) => byte ^ 0x5c), inner));
}
export function sha256(message) {
    const padded = pad(message);
    const hash = INITIAL_HASH.slice();
    for (let offset = 0; offset < padded.byteLength; offset += BLOCK_BYTES) {
        compress(hash, new DataView(padded.buffer, offset, BLOCK_BYTES));
    }
    const digest = new DataView(new ArrayBuffer(32));
    hash.forEach((word, index) => digest.setInt32(index * 4, word));
    return new Uint8Array(digest.buffer);
}
/** Section 5.1.1: a one bit, zeros, and the length in bits in the last eight bytes. */
function pad(message) {
    const blocks = Math.ceil((message.length + 9) / BLOCK_BYTES);
    const padded = new Uint8Array(blocks * BLOCK_BYTES);
    padded.set(message);
    padded[message.length] = 0x80;
    new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
    return padded;
}
/** Section 6.2.2, with the letters of the standard. */
function compress(hash, block) {
    const w = new Int32Array(64);
    for (let t = 0; t < 16; t += 1)
        w[t] = block.getInt32(t * 4);
    for (let t = 16; t < 64; t += 1) {
        const w15 = w[t - 15];
        const w2 = w[t - 2];
        const s0 = rotated(w15, 7) ^ rotated(w15, 18) ^ (w15 >>> 3);
        const s1 = rotated(w2, 17) ^ rotated(w2, 19) ^ (w2 >>> 10);
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    let [a, b, c, d, e, f, g, h] = hash;
    for (let t = 0; t < 64; t += 1) {
        const big1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
        const t1 = (h + big1 + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[t] + w[t]) | 0;
        const big0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
        const t2 = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [a, b, c, d, e, f, g, h] = [(t1 + t2) | 0, a, b, c, (d + t1) | 0, e, f, g];
    }
    [a, b, c, d, e, f, g, h].forEach((word, index) => (hash[index] = hash[index] + word));
}
function rotated(word, bits) {
    return (word >>> bits) | (word << (32 - bits));
}
function joined(one, other) {
    const result = new Uint8Array(one.length + other.length);
    result.set(one);
    result.set(other, one.length);
    return result;
}
