// What a browser has and an older Node lacks: WebCrypto (Node 18) and WebSocket (before Node 22), for tests only.
// The socket does what the examples need: text frames, pings, the close code.

import { createHash, randomBytes, webcrypto } from "node:crypto";
import { request } from "node:http";

globalThis.crypto ??= webcrypto;
globalThis.WebSocket ??= class extends EventTarget {
  #socket = null;
  #unread = Buffer.alloc(0);
  #code = 1006;

  constructor(address) {
    super();
    const key = randomBytes(16).toString("base64");
    const headers = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key };
    const asked = request(String(address).replace(/^ws/, "http"), { headers });
    asked.on("upgrade", (answer, socket, head) => {
      const expected = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      if (answer.headers["sec-websocket-accept"] !== expected) throw new Error("not a WebSocket server");
      this.#socket = socket;
      socket.on("data", (data) => this.#read(data)).on("error", () => {}).on("close", () => this.#end());
      this.#read(head);
    });
    asked.on("response", () => this.#end()).on("error", () => this.#end()).end();
  }

  send(text) {
    this.#write(0x81, Buffer.from(text));
  }

  close() {
    this.#socket?.destroy();
  }

  #read(data) {
    this.#unread = Buffer.concat([this.#unread, data]);
    for (let frame = this.#frame(); frame; frame = this.#frame()) {
      if (frame.opcode === 1) this.dispatchEvent(Object.assign(new Event("message"), { data: frame.payload.toString() }));
      if (frame.opcode === 9) this.#write(0x8a, frame.payload);
      if (frame.opcode === 8) {
        this.#code = frame.payload.length ? frame.payload.readUInt16BE(0) : 1005;
        this.close();
      }
    }
  }

  /** One whole frame, taken off what was read. RFC 6455 section 5.2; a server does not mask. */
  #frame() {
    const short = this.#unread.length < 2 ? 0 : this.#unread[1] & 127;
    const head = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (this.#unread.length < head) return null;
    const length = short === 127 ? Number(this.#unread.readBigUInt64BE(2)) : short === 126 ? this.#unread.readUInt16BE(2) : short;
    if (this.#unread.length < head + length) return null;
    const frame = { opcode: this.#unread[0] & 15, payload: this.#unread.subarray(head, head + length) };
    this.#unread = this.#unread.subarray(head + length);
    return frame;
  }

  /** A mask of zeros is one, and leaves the payload as it is. The examples send short texts. */
  #write(first, payload) {
    this.#socket?.write(Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
  }

  #end() {
    this.dispatchEvent(Object.assign(new Event("close"), { code: this.#code }));
  }
};
