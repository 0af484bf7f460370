"""Load by `wrk`: one thread, and a Lua script that sends prepared requests one after the other.

`wrk` alone counts only what is not 2xx or 3xx; the script counts every status. It stops when the requests are used up,
because a repeated score update would be answered as a replay, which costs less.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.load import Result

TIMEOUT_SECONDS = 30

_SCRIPT = """
local threads = {}
statuses = {}
local requests, at, cycles = {}, 0, false

function setup(thread) table.insert(threads, thread) end

function init(args)
  cycles = args[2] == "cycle"
  local file = assert(io.open(args[1], "rb"))
  while true do
    local length = file:read("*n")
    if not length then break end
    file:read(1)
    requests[#requests + 1] = file:read(length)
  end
  file:close()
end

function request()
  at = at + 1
  if at > #requests then
    if cycles then at = 1 else at = #requests; wrk.thread:stop() end
  end
  return requests[at]
end

function response(status) statuses[status] = (statuses[status] or 0) + 1 end

function done(summary, latency)
  local found = {}
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("statuses")) do
      table.insert(found, string.format('"%d": %d', status, count))
    end
  end
  local errors = summary.errors
  print(string.format(
    'RESULT {"microseconds": %d, "p50": %f, "p99": %f, "failures": %d, "statuses": {%s}}', summary.duration,
    latency:percentile(50), latency:percentile(99), errors.connect + errors.read + errors.write + errors.timeout,
    table.concat(found, ", ")))
end
"""


def run(port: int, requests: Sequence[bytes], connections: int, seconds: float, *, cycles: bool = False) -> Result:
    """Send the requests over `connections` connections for so many seconds, or until they are used up.

    With `cycles` they begin again. Raises RuntimeError with wrk's words if it fails.
    """
    with tempfile.TemporaryDirectory(prefix="scoreboard-wrk-") as folder:
        script, file = Path(folder) / "load.lua", Path(folder) / "requests"
        script.write_text(_SCRIPT, encoding="ascii")
        file.write_bytes(b"".join(encoded(requests)))
        whole = str(max(1, round(seconds)))
        options = ["-t", "1", "-c", str(connections), "-d", whole, "--timeout", str(TIMEOUT_SECONDS), "-s", str(script)]
        command = [_path(), *options, f"http://127.0.0.1:{port}", "--", str(file), "cycle" if cycles else "once"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"wrk failed: {done.stderr or done.stdout}")
    return parse(done.stdout)


def encoded(requests: Iterable[bytes]) -> Iterable[bytes]:
    """Yield each request after a line with its length, as the script reads it."""
    return (b"%d\n%s" % (len(request), request) for request in requests)


def parse(output: str) -> Result:
    """Return the result in what wrk printed. Raises ValueError if there is none."""
    line = next((line for line in output.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise ValueError(f"no result in the output of wrk: {output}")
    found = json.loads(line.removeprefix("RESULT "))
    statuses = {int(status): count for status, count in found["statuses"].items()}
    return Result(found["microseconds"] / 1e6, found["p50"] / 1000, found["p99"] / 1000, statuses, found["failures"])


def version() -> str:
    """Return what `wrk --version` says of itself."""
    done = subprocess.run([_path(), "--version"], capture_output=True, text=True, check=False)
    return " ".join((done.stdout or done.stderr).split()[:2])


def is_installed() -> bool:
    return shutil.which("wrk") is not None


def _path() -> str:
    return shutil.which("wrk") or "wrk"
