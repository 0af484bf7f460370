// A fan-out on ws: each line on standard input is a frame for every viewer, whose first frame is the last snapshot.
// A line that begins with "S" replaces the snapshot and is sent to nobody; one that begins with "D" is sent to all.
import { createInterface } from "node:readline";
import { WebSocket, WebSocketServer } from "ws";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/ws/scoreboard", perMessageDeflate: false, backlog: 4096 });
let snapshot = "{}";

server.on("connection", (viewer) => {
  viewer.on("error", () => viewer.terminate());
  viewer.send(snapshot);
});
server.on("listening", () => console.log(server.address().port));

createInterface({ input: process.stdin }).on("line", (line) => {
  if (line[0] === "S") {
    snapshot = line.slice(1);
    return;
  }
  const frame = Buffer.from(line.slice(1));
  for (const viewer of server.clients) {
    if (viewer.readyState === WebSocket.OPEN) viewer.send(frame, { binary: false });
  }
}).on("close", () => process.exit(0));
