"""The scoring rules in SQL: the merge of a batch's parts into their rows, and the recount of the ledger.

They say the same as `common/domain/parts.py`, for any order of events and any borders of batches; one test holds all
three equal (`tests/integration/test_scoring_rules.py`).

A batch merges with one statement for each rule that occurs in it, in alphabetical order of the rules, and each
statement takes its rows in the order of (board, period, user). A board has one rule for ever, so this is one global
order of locks. Where a rule keeps one of the events, a part that is no better changes nothing: PostgreSQL locks its row
all the same, and does not return it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection, text

from common.domain.boards import Board, Rule
from common.domain.parts import Part
from common.domain.standing import Hidden, Standing, StandingKey
from common.postgres import period_sql, prepared, standings
from common.postgres.arrays import plain_array, text_array

_TYPES = {
    **{"at": "timestamptz", "reasons": "smallint[]", "boards": "text[]", "periods": "text[]", "users": "uuid[]"},
    **{"scores": "bigint[]", "ties": "bigint[]", "seconds": "bigint[]", "decided": "timestamptz[]"},
}
_TYPES_OF_RULE = {Rule.HIGHEST: {"second_ascending": "text[]"}, Rule.LOWEST: {"second_ascending": "text[]"}}


def added_to(row: str) -> str:
    """Return what adds the excluded part to a row of this name, as `parts.join` does. An enrolment gives way."""
    return f"""
        score = {row}.score + excluded.score, second = {row}.second + excluded.second, decided_at = excluded.decided_at,
        tie = CASE WHEN {row}.decided_at IS NULL THEN GREATEST({row}.tie, excluded.tie) ELSE excluded.tie END,
        updated_at = CASE WHEN {row}.decided_at IS NULL
            THEN GREATEST({row}.updated_at, excluded.updated_at) ELSE excluded.updated_at END
    """


def is_added_to(row: str) -> str:
    """Return the condition under which the excluded part changes a row of this name."""
    return f"(excluded.decided_at IS NULL OR ({row}.decided_at IS NOT NULL AND excluded.tie < {row}.tie))"


FILL = f"hidden = s.hidden AND s.hidden_for <> {int(Hidden.EMPTY)}, hidden_for = s.hidden_for & ~{int(Hidden.EMPTY)}"
"""Ends the emptiness of a row `s` in which something counts again; what else hides it stays."""

# An empty row is 0 in everything, so that adding to it is replacing it, by an enrolment too.
_ADD = f"""
    SET version = s.version + 1, {added_to("s")}, {FILL}
    WHERE {is_added_to("s")} OR {standings.IS_EMPTY.format(row="s")}
"""
_KEEP = f"""
    SET score = excluded.score, second = excluded.second, tie = excluded.tie, decided_at = excluded.decided_at,
        version = s.version + 1, updated_at = excluded.updated_at, {FILL}
    WHERE {standings.IS_EMPTY.format(row="s")} OR
"""
_SECOND = "CASE WHEN s.board_id = ANY(%(second_ascending)s) THEN 1 ELSE -1 END"
_CHANGES = {
    Rule.COUNT: _ADD,
    Rule.SUM: _ADD,
    Rule.HIGHEST: f"""{_KEEP}
    (-excluded.score, {_SECOND} * excluded.second, excluded.tie) < (-s.score, {_SECOND} * s.second, s.tie)""",
    Rule.LOWEST: f"""{_KEEP}
    (excluded.score, {_SECOND} * excluded.second, excluded.tie) < (s.score, {_SECOND} * s.second, s.tie)""",
    Rule.LATEST: f"""{_KEEP}
    (excluded.decided_at, excluded.tie) > (s.decided_at, s.tie)""",
}


def _merge_of(rule: Rule) -> prepared.Statement:
    return prepared.Statement(
        f"""
        INSERT INTO standings AS s
            (board_id, period_id, user_id, score, tie, version, updated_at, hidden, hidden_for, second, decided_at)
        SELECT b, p, u, score, tie, 1, %(at)s, coalesce(reasons, 0) <> 0, coalesce(reasons, 0), coalesce(second, 0),
               decided
        FROM unnest(%(boards)s, %(periods)s, %(users)s, %(scores)s, %(ties)s, %(seconds)s, %(reasons)s, %(decided)s)
            AS part(b, p, u, score, tie, second, reasons, decided)
        ORDER BY b, p, u
        ON CONFLICT (board_id, period_id, user_id) DO UPDATE {_CHANGES[rule]}
        RETURNING {standings.COLUMNS}
        """,  # noqa: S608 - built from constants
        _TYPES | _TYPES_OF_RULE.get(rule, {}),
    )


_MERGES = {rule: _merge_of(rule) for rule in sorted(Rule)}

EXPANDED = f"""
FROM {{rows}} e
JOIN actions a ON (a.id, a.version) = (e.action_id, e.action_version)
CROSS JOIN LATERAL unnest(a.boards) AS of_action(board_id)
JOIN boards b ON b.id = of_action.board_id
CROSS JOIN LATERAL (SELECT a.claimed_by = 'admin' AND starts_with(a.id, 'enrol-') AS is_enrolment) AS of_board
LEFT JOIN seasons x ON x.board_id = b.id AND e.accepted_at >= x.starts_at AND e.accepted_at < x.ends_at
JOIN LATERAL (VALUES
    ('all', 'all'),
    ('daily', {period_sql.DAY.format(at="e.accepted_at")}),
    ('weekly', {period_sql.WEEK.format(at="e.accepted_at")}),
    ('monthly', {period_sql.MONTH.format(at="e.accepted_at")}),
    ('season', 's-' || x.season_id)
) AS p(name, period_id) ON p.period_id IS NOT NULL
LEFT JOIN periods c ON (c.board_id, c.period_id) = (b.id, p.period_id)
LEFT JOIN voids v ON v.event_id = e.id
LEFT JOIN kept_voids k ON (k.event_id, k.board_id, k.period_id) = (e.id, b.id, p.period_id)
"""
"""Each ledger row `e` of `{rows}` with every board `b` of its action and every period `p` of its acceptance.

`c` is the period's row, if it is known, `v` the void of the ledger row, and `k` that of a period that stays without it.
"""

COUNTS = """
e.refusal IS NULL AND p.name = ANY(b.periods) AND (e.left_out IS NULL OR b.id <> ALL(e.left_out))
    AND (b.rule <> 'sum' OR e.points <> 0 OR (b.second IS NOT NULL AND e.second <> 0) OR is_enrolment)
    AND (c.last_event_id IS NULL OR e.id <= c.last_event_id)
    AND (v.event_id IS NULL OR (c.closed_at < v.at AND NOT v.amends)) AND k.event_id IS NULL
"""
"""Whether a row of `EXPANDED` counts.

An event counts by the version of the action that the ledger names, on its boards but for those that the row leaves out,
in the board's periods of the acceptance, and in a closed period up to the row at which it was closed. One that is void
counts nowhere but in periods that were closed before, unless the void amends these too.
"""

COUNTED = f"""
SELECT e.user_id, b.id AS board_id, p.period_id, b.rule, (b.second->>'ascending')::boolean AS second_ascending,
       CASE WHEN b.rule = 'count' AND a.claimed_by <> 'admin' THEN 1 ELSE e.points END AS score,
       e.id AS tie, e.recorded_at AS updated_at,
       CASE WHEN b.second IS NULL THEN 0 ELSE e.second END AS second,
       CASE WHEN b.rule = 'latest' THEN e.occurred_at WHEN is_enrolment THEN e.accepted_at END AS decided_at
{EXPANDED.strip()}
WHERE {COUNTS.strip()} AND c.archived_at IS NULL
"""
"""One part for each event, board and period in which it counts, as `parts.part_of` has it.

`{rows}` is a table of ledger rows. Of archived periods there is none: nothing is counted anew in them.
"""

TOUCHED = f"""
SELECT DISTINCT e.user_id, b.id AS board_id, p.period_id {EXPANDED.strip()}
WHERE p.name = ANY(b.periods) AND c.archived_at IS NULL
"""
"""The standings to which ledger rows belong, whether or not they count there, but for those that are archived."""

_TOUCHED_BY = text(TOUCHED.format(rows="(SELECT * FROM score_events WHERE id = ANY(CAST(:events AS bigint[])))"))

OF_TOTALS = """
SELECT t.user_id, t.board_id, t.period_id, b.rule, (b.second->>'ascending')::boolean AS second_ascending,
       t.score, t.tie, t.updated_at, t.second, t.decided_at
FROM ledger_totals t JOIN boards b ON b.id = t.board_id
"""
"""The totals of the ledger's checkpoint, as parts."""

ADDED = """
SELECT user_id, board_id, period_id, sum(score)::bigint AS score,
       coalesce(max(tie) FILTER (WHERE decided_at IS NULL), min(tie)) AS tie,
       coalesce(max(updated_at) FILTER (WHERE decided_at IS NULL), min(updated_at)) AS updated_at,
       sum(second)::bigint AS second, CASE WHEN bool_and(decided_at IS NOT NULL) THEN min(decided_at) END AS decided_at
FROM {parts} WHERE rule IN ('count', 'sum') GROUP BY user_id, board_id, period_id
"""
"""The `{parts}` of each standing as one, as `parts.join` has it, where the rule adds: an enrolment gives way."""

KEPT = """
SELECT DISTINCT ON (user_id, board_id, period_id)
       user_id, board_id, period_id, score, tie, updated_at, second, decided_at
FROM {parts} WHERE rule NOT IN ('count', 'sum')
ORDER BY user_id, board_id, period_id,
    CASE rule WHEN 'highest' THEN -score WHEN 'lowest' THEN score END, decided_at DESC,
    CASE WHEN rule = 'latest' THEN -tie WHEN second_ascending THEN second ELSE -second END, tie
"""
"""The same where the rule keeps one of the events."""


def touched_by(connection: Connection, event_ids: Collection[int]) -> set[StandingKey]:
    """Return the standings to which these ledger rows belong, by the versions of their actions that they name."""
    rows = connection.execute(_TOUCHED_BY, {"events": list(event_ids)})
    return {StandingKey(row.board_id, row.period_id, str(row.user_id)) for row in rows}


def merge(
    connection: Connection,
    parts: Mapping[StandingKey, Part],
    boards: Mapping[str, Board],
    at: datetime,
    hidden: Mapping[str, Hidden] | None = None,
    *,
    disqualified: Collection[tuple[str, str]] = (),
) -> list[Standing]:
    """Merge each part into its row, under the row's own lock. Returns the rows that changed, as they are now.

    `boards` has the boards of all parts; `at` is the instant of recording. New rows of players in `hidden` are
    hidden for the reasons there, and so are those of `disqualified`, as (board id, user id). Raises NotPreparedError.
    """
    rules = {board_id: boards[board_id].rule for board_id in {key.board_id for key in parts}}
    occurring = sorted(set(rules.values()))
    changed = []
    for rule in occurring:
        of_rule = {key: part for key, part in parts.items() if rules[key.board_id] is rule} if occurring[1:] else parts
        reasons = _reasons(of_rule, hidden or {}, disqualified) if hidden or disqualified else ()
        values = {"at": at, "reasons": plain_array(reasons), **_values(of_rule, rule, boards)}
        changed += standings.from_rows(prepared.run(connection, _MERGES[rule], values))
    return changed


def _reasons(
    keys: Iterable[StandingKey], hidden: Mapping[str, Hidden], disqualified: Collection[tuple[str, str]]
) -> Iterator[str]:
    """Yield why each standing is hidden if it begins now, as `standings.hidden_for` has it."""
    for key in keys:
        is_disqualified = (key.board_id, key.user_id) in disqualified
        yield str(int(hidden.get(key.user_id, Hidden(0)) | is_disqualified * Hidden.DISQUALIFIED))


def _values(parts: Mapping[StandingKey, Part], rule: Rule, boards: Mapping[str, Board]) -> dict[str, object]:
    board_ids, period_ids, users = zip(*parts, strict=True)
    scores, ties, seconds, decided = zip(*parts.values(), strict=True)
    values: dict[str, object] = {
        "boards": text_array(board_ids),
        "periods": text_array(period_ids),
        "users": plain_array(users),
        "scores": plain_array(map(str, scores)),
        "ties": plain_array(map(str, ties)),
        "seconds": plain_array(map(str, seconds)) if any(seconds) else "{}",
        "decided": _instants(decided) if any(decided) else "{}",
    }
    if "second_ascending" in _TYPES_OF_RULE.get(rule, {}):
        of_batch = (boards[board_id] for board_id in set(board_ids))
        values["second_ascending"] = text_array([each.id for each in of_batch if each.second and each.second.ascending])
    return values


def _instants(decided: Iterable[datetime | None]) -> str:
    return plain_array(instant.isoformat() if instant else "NULL" for instant in decided)
