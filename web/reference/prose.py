"""The prose of the reference: what holds for every address and every message."""

TITLE = "Scoreboard"
LICENSE = {"name": "MIT", "identifier": "MIT"}

HTTP = """A live leaderboard: a signed claim becomes points exactly once, and every viewer sees it at once.

All addresses below speak JSON in UTF-8. Times are ISO 8601 in UTC with milliseconds. Scores are integers within
±(2^53-1). A client must pass over fields that it does not know: more may come.

Bodies are read strictly: an unknown field, a duplicate key, a byte order mark, `NaN`, more than 8 levels or more than
16 KiB are refused. So are unknown and repeated parameters of a query.

Every error has the same shape, `{"error": {"code", "message", "details"}}`, whoever refuses. The `code` is stable, the
`message` is for people. A 503 means that nothing was done by halves; `Retry-After` says when to try again.

Every answer carries `X-Request-ID`: yours, if you sent a good one, else one that was made. It stands in the server's
log lines.

Requests below `/api/` are limited per address, score updates per user, and logins per address and account. A 429 says
in `Retry-After` when the next request passes, and in `X-RateLimit-Limit`, `X-RateLimit-Remaining` and
`X-RateLimit-Reset` what the limit is. The live socket is described in `/asyncapi.json`."""

SIGNING = """A client never sends points: `actionId` names a row of the action catalogue, which says how many points it
is worth on which boards.

`signature` is the lower-case hex HMAC-SHA256 of five lines joined by a newline, without one at the end:
`SCORE-UPDATE-V1`, `userId`, `actionId`, `timestamp` exactly as sent, and `idempotencyKey`. The key is `signingKey` of
the login, decoded from base64url.

The service waits a moment for the outcome. It answers 200 once the points are committed, and 202 if that takes longer
or if the request says `Prefer: respond-async`. Accepted means that it will be applied exactly once.

Whoever repeats a request with the same key gets the outcome of the first, with `Idempotent-Replayed: true`; nothing is
counted twice. The same key with another action is refused. A refusal spends the key."""

BATCH = """For game servers that hold an API key (`scoreboard keys create`). `X-Api-Key` holds its id and `X-Signature`
`t=<Unix seconds>,v2=<lower-case hex>`: the HMAC-SHA256, with the key's secret as it was shown, of six lines joined by a
newline, without one at the end: `SCOREBOARD-REQUEST-V2`, `t`, the method in capitals, the path with its query exactly
as sent, the key's id, and the lower-case hex SHA-256 of the body as sent.

This address also takes `v1`, the HMAC-SHA256 of `t`, a dot and the body; where both stand, `v2` decides.

An update of an action of values has a `value`, a whole number within the bounds of the action, and `second` where a
board of it has a second score; every other update has neither. With the same key another value is refused.

Each update is looked at by itself: good ones are accepted though others are refused, and one whose key was used before
counts as `replayed`. So a batch in doubt is sent again as it is. What became of an update, `readUpdate` tells, and of
many `readUpdates`. A batch of up to 1000 updates may hold 1 MiB."""

LIVE = """The live board over WebSocket. Every message is one JSON object in one text frame.

The first message is a `snapshot`, or `resumed` if `since` in the query is what the other viewers of the same board,
period and limit were last sent. After that a `delta` tells every row that changed and who left the head; applied to the
state at `from`, it gives exactly the head at `seq`. There are at most ten a second: changes in between are merged.

The `from` of a delta is always the `seq` of the board's message before it. A viewer that shows another one sends
`resync` and gets a snapshot. A viewer that reads too slowly skips to a snapshot.

A viewer with a ticket (`POST /api/auth/ticket`) also gets `me`: after the first snapshot, when their own score changed,
and at most once a second when only their rank did. Where there is something to achieve, they get `achievements`, with
all that they have, and then an `achievement` for each that they unlock, which may come twice.

The server pings every 25 seconds, and sends `hb` after 25 seconds without another message. It closes with 1001 after a
ping without an answer, 1008 for a breach of the rules and when the viewer's session has ended, 1009 for a message that
is too big, and 1012 when it restarts: connect again after a random moment.

Refusals are plain HTTP before the handshake; `/openapi.json` lists them."""

TAGS = {
    "admin": ("Moderation", "For admins: suspend and reinstate users."),
    "overview": ("Overview", "For admins: players, API keys and the audit log."),
    "insight": ("Insight", "For admins: how the service does, and what is played."),
    "adjustments": ("Adjustments", "For admins: add to a score, or take off it."),
    "corrections": ("Corrections", "For admins: updates that count no more, and players who are off a board."),
    "me": ("One's own account", "What is shown of a player, and to whom."),
    "auth": ("Accounts", "Register, log in, and what a session lives on."),
    "players": ("Players of game servers", "Players whom a game knows by ids of its own."),
    "catalogue": ("Catalogue", "For admins, and API keys of the scope `manage`: boards and actions."),
    "achievement_changes": (
        "Changes of achievements",
        "For admins, and API keys of the scope `manage`: what can be achieved, and what is taken back.",
    ),
    "boards": ("Lists of boards", "Which boards there are."),
    "export": ("Files", "Whole boards as files."),
    "feeds": ("Feeds", "Boards as other sites read them."),
    "ledger_tail": ("The ledger", "For admins, and API keys of the scope `read`: every update, in order."),
    "scores": ("Score updates", "Signed claims, and what became of them."),
    "events": ("Updates of a player", "What explains a score."),
    "leaderboard": ("Boards", "Who stands where."),
    "seasons": ("Seasons", "Periods of a board whose begin and end people decide."),
    "periods": ("Periods", "Which periods of a board are over, and the digests of their final tables."),
    "achievements": ("Achievements", "What can be achieved, and who has."),
    "past": ("The past of players", "Their days, their final places, and the race of those who lead."),
    "snapshots": ("History", "Boards as they were."),
    "live": ("Live", "The board as it moves."),
    "health": ("Operating", "For load balancers and people on call."),
    "reference": ("Reference", "These documents."),
}
"""Name and sentence of each group of routes, by blueprint."""
