export { hmac } from "@noble/hashes/hmac.js";
