"""Scores as people read them, by the format of their board. The page's script says the same (`src/scores.ts`). Pure."""

from common.domain.boards import ScoreFormat

_MINUTE, _HOUR = 60, 3600


def score_text(score: int, how: ScoreFormat) -> str:
    """Return 61200 as `61,200`, as `61.200` with three decimals, as `1:01.200` in milliseconds, and so on."""
    sign, size = ("-" if score < 0 else ""), abs(score)
    if how.kind == "decimal" and how.places:
        whole, rest = divmod(size, 10**how.places)
        return f"{sign}{whole:,}.{rest:0{how.places}}"
    if how.kind == "duration":
        seconds, milliseconds = divmod(size, 1000) if how.unit == "ms" else (size, None)
        rest_of_second = "" if milliseconds is None else f".{milliseconds:03}"
        return f"{sign}{_clock(seconds)}{rest_of_second}"
    return f"{sign}{size:,}"


def name_of(how: ScoreFormat) -> str:
    """Return the format as the page tells it to its script: `integer`, `decimal:3`, `duration:ms`."""
    detail = {"integer": "", "decimal": f":{how.places}", "duration": f":{how.unit}"}
    return f"{how.kind}{detail[how.kind]}"


def _clock(seconds: int) -> str:
    hours, rest = divmod(seconds, _HOUR)
    minutes, last = divmod(rest, _MINUTE)
    return f"{hours:,}:{minutes:02}:{last:02}" if hours else f"{minutes}:{last:02}"
