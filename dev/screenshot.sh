#!/bin/sh
# Take the picture of the page that the README shows: `make run DEMO=1`, wait a minute or two, then
# `sh dev/screenshot.sh`, or with another address: `sh dev/screenshot.sh http://127.0.0.1:9000/`.
set -eu
cd "$(dirname "$0")/.."

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    echo "No Chromium found: apt install chromium" >&2
    exit 1
}
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT

"$browser" --headless=new --no-sandbox --disable-background-networking --disable-component-update --disable-sync \
    --no-first-run --hide-scrollbars --user-data-dir="$profile" --window-size=1440,900 --virtual-time-budget=6000 \
    --screenshot=docs/images/page.png "${1:-http://127.0.0.1:${SCOREBOARD_PORT:-8000}/}"
