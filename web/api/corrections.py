"""The views of admins that correct scores: updates count no more or again, and players are off a board or back."""

import re

from flask import Blueprint, Response, jsonify

from common.contract.corrections import (
    CorrectedEvent,
    CorrectedSpan,
    CorrectedStanding,
    DisqualifyRequest,
    Judged,
    RequalifyRequest,
    RestoreRequest,
    RestoreSpanRequest,
    VoidRequest,
    VoidSpanRequest,
)
from common.contract.errors import SENTENCES, ErrorCode, ScoreboardError
from common.core.timestamps import format_instant
from common.domain.corrections import Span, Told
from common.postgres import catalogue, users
from common.postgres.audit import Actor
from common.postgres.disqualifications import Disqualification
from common.postgres.recounts import Moved
from common.services import corrections
from common.services.corrections import Ranked
from web.api.auth import user_on_the_wire
from web.api.boards import parsed_user_id
from web.api.known_users import known_user
from web.api.parsing import body_as
from web.guards.access import admin, identity
from web.reference.documented import ResponseDoc, documented
from web.services import services

blueprint = Blueprint("corrections", __name__, url_prefix="/api/admin")

_OF_EVENTS = (
    ErrorCode.NOT_FOUND,
    ErrorCode.NOTHING_TO_VOID,
    ErrorCode.TOO_MANY_EVENTS,
    ErrorCode.SCORE_OUT_OF_RANGE,
    ErrorCode.PERIOD_ARCHIVED,
)
_OF_SPANS = (
    ErrorCode.NOT_FOUND,
    ErrorCode.UNKNOWN_ACTION,
    ErrorCode.TOO_MANY_EVENTS,
    ErrorCode.SCORE_OUT_OF_RANGE,
    ErrorCode.PERIOD_ARCHIVED,
)
_OF_JUDGEMENTS = (ErrorCode.NOT_FOUND, ErrorCode.UNKNOWN_USER, ErrorCode.PERIOD_ARCHIVED)


@blueprint.post("/events/<event_id>/void")
@documented(
    "voidEvent",
    "Let an update count no more",
    description="Scores and places are as if it had never been, on every board and in every period that is open; "
    "closed ones stay as they are unless `amendClosed`. Safe to repeat: the first reason stays.",
    body=VoidRequest,
    answers=[ResponseDoc(200, "The update counts no more.", CorrectedEvent)],
    errors=_OF_EVENTS,
)
@admin
def void(event_id: str) -> Response:
    wanted = body_as(VoidRequest)
    told = Told(wanted.reason, wanted.amend_closed)
    return _event(services().corrector.void_event(_event_id(event_id), told, _actor()))


@blueprint.post("/events/<event_id>/restore")
@documented(
    "restoreEvent",
    "Let an update count again",
    description="A period that was closed meanwhile stays without it unless `amendClosed`. Safe to repeat.",
    body=RestoreRequest,
    answers=[ResponseDoc(200, "The update counts.", CorrectedEvent)],
    errors=_OF_EVENTS,
)
@admin
def restore(event_id: str) -> Response:
    wanted = body_as(RestoreRequest)
    told = Told(wanted.reason, wanted.amend_closed)
    return _event(services().corrector.restore_event(_event_id(event_id), told, _actor()))


@blueprint.post("/users/<user_id>/void")
@documented(
    "voidEvents",
    "Let a player's updates of a span of time count no more",
    description="With `dryRun` nothing changes, and the answer tells the ranks, too. Safe to repeat.",
    body=VoidSpanRequest,
    answers=[ResponseDoc(200, "What changed, or with `dryRun` would change.", CorrectedSpan)],
    errors=_OF_SPANS,
)
@admin
def void_span(user_id: str) -> Response:
    return _span(user_id, body_as(VoidSpanRequest), restores=False)


@blueprint.post("/users/<user_id>/restore")
@documented(
    "restoreEvents",
    "Let a player's updates of a span of time count again",
    description="With `dryRun` nothing changes, and the answer tells the ranks, too. Safe to repeat.",
    body=RestoreSpanRequest,
    answers=[ResponseDoc(200, "What changed, or with `dryRun` would change.", CorrectedSpan)],
    errors=_OF_SPANS,
)
@admin
def restore_span(user_id: str) -> Response:
    return _span(user_id, body_as(RestoreSpanRequest), restores=True)


@blueprint.post("/boards/<board_id>/disqualify")
@documented(
    "disqualifyPlayer",
    "Take a player off a board",
    description="Their entries leave it and ranks close up, also of what they score there later; their account is "
    "untouched. Closed periods stay as they are unless `amendClosed`. Safe to repeat: the first reason stays.",
    body=DisqualifyRequest,
    answers=[ResponseDoc(200, "The player is off the board.", Judged)],
    errors=_OF_JUDGEMENTS,
)
@admin
def disqualify(board_id: str) -> Response:
    wanted = body_as(DisqualifyRequest)
    return _judge(board_id, wanted.user_id, Told(wanted.reason, wanted.amend_closed), is_off=True)


@blueprint.post("/boards/<board_id>/requalify")
@documented(
    "requalifyPlayer",
    "Let a player back on a board",
    description="With all that they have scored there meanwhile. Safe to repeat.",
    body=RequalifyRequest,
    answers=[ResponseDoc(200, "The player is on the board.", Judged)],
    errors=_OF_JUDGEMENTS,
)
@admin
def requalify(board_id: str) -> Response:
    wanted = body_as(RequalifyRequest)
    return _judge(board_id, wanted.user_id, Told(wanted.reason, wanted.amend_closed), is_off=False)


def _span(user_id: str, wanted: VoidSpanRequest, *, restores: bool) -> Response:
    user, corrector = known_user(user_id), services().corrector
    span, told = Span(wanted.since, wanted.until, wanted.action_id), Told(wanted.reason, wanted.amend_closed)
    _refuse_unknown_action(wanted.action_id)
    corrector.refuse_many_events(user.id)
    if wanted.dry_run:
        done, ranked = corrector.preview_span(user.id, span, told, restores=restores)
        rows = [_ranked(each) for each in ranked]
    else:
        done = corrector.correct_span([user.id], span, told, _actor(), restores=restores)
        rows = [_moved(each) for each in done.moved]
    answer: CorrectedSpan = {"dryRun": wanted.dry_run, "events": done.events, "standings": rows}
    return jsonify(answer)


def _judge(board_id: str, user_id: str, told: Told, *, is_off: bool) -> Response:
    with services().engine.connect() as connection:
        is_known = catalogue.has_board(connection, board_id)
        user = users.find(connection, parsed_user_id(user_id))
    if not is_known:
        raise ScoreboardError(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.UNKNOWN_BOARD])
    if user is None:
        raise ScoreboardError(ErrorCode.UNKNOWN_USER)
    referee = services().referee
    judge = referee.disqualify if is_off else referee.requalify
    answer = _judged(board_id, user, judge(board_id, user.id, told, _actor()))
    return jsonify(answer)


def _judged(board_id: str, user: users.User, why: Disqualification | None) -> Judged:
    answer: Judged = {"board": board_id, "user": user_on_the_wire(user), "disqualified": why is not None}
    if why:
        answer["at"], answer["reason"] = format_instant(why.at), why.reason
    return answer


def _event(done: corrections.CorrectedEvent) -> Response:
    answer: CorrectedEvent = {
        "eventId": str(done.event_id),
        "userId": done.user_id,
        "void": {"at": format_instant(done.void.at), "reason": done.void.reason} if done.void else None,
        "standings": [_moved(each) for each in done.moved],
    }
    return jsonify(answer)


def _moved(moved: Moved) -> CorrectedStanding:
    return {
        "board": moved.key.board_id,
        "period": moved.key.period_id,
        "scoreBefore": moved.before.score if moved.before else None,
        "scoreAfter": moved.after.score if moved.after else None,
    }


def _ranked(ranked: Ranked) -> CorrectedStanding:
    return {**_moved(ranked.moved), "rankBefore": ranked.rank_before, "rankAfter": ranked.rank_after}


def _event_id(text: str) -> int:
    """Return the number of an event. Raises `not_found` for what can be none."""
    if not re.fullmatch("[0-9]{1,18}", text, re.ASCII):
        raise ScoreboardError(ErrorCode.NOT_FOUND, "There is no such event.")
    return int(text)


def _refuse_unknown_action(action_id: str | None) -> None:
    """Raise `unknown_action` for an action that never was, which is a slip of the pen."""
    if action_id is None:
        return
    with services().engine.connect() as connection:
        if not catalogue.has_action(connection, action_id):
            raise ScoreboardError(ErrorCode.UNKNOWN_ACTION)


def _actor() -> Actor:
    return Actor(identity().user_id)
