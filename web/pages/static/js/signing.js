/** What a player signs, and with what. The server has its counterpart in `common/domain/signing.py`. */
/** Lower-case hex HMAC-SHA256 over the claim's five lines. `signingKey` is base64url. */
export async function signature(claim, signingKey) {
    const lines = ["SCORE-UPDATE-V1", claim.userId, claim.actionId, claim.timestamp, claim.idempotencyKey];
    return hex(await hmac(fromBase64url(signingKey), new TextEncoder().encode(lines.join("\n"))));
}
/** 128 random bits in hex: no two updates of a player ever share a key by accident. */
export function newIdempotencyKey() {
    return hex(crypto.getRandomValues(new Uint8Array(16)));
}
async function hmac(key, message) {
    if (!globalThis.isSecureContext)
        return hmacWithoutWebCrypto(key, message);
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
    return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}
/**
 * Browsers keep WebCrypto from pages that came over plain HTTP, save from the machine itself. A board on a local
 * network is such a page, and its players have to sign too.
 */
async function hmacWithoutWebCrypto(key, message) {
    const [{ hmac }, { sha256 }] = await Promise.all([
        import("./vendor/noble-hashes/hmac.js"),
        import("./vendor/noble-hashes/sha2.js"),
    ]);
    return hmac(sha256, key, message);
}
function fromBase64url(text) {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
function hex(bytes) {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
