"""Refusals of the lane, which are made by the one place that makes them for all views."""

from flask import Flask

from common.contract.errors import ScoreboardError
from web.guards.errors import refuse
from web.lane.message import LaneReply


def refusal_reply(app: Flask, error: ScoreboardError, route: str) -> LaneReply:
    """Return the answer to an error, as a view gives it."""
    with app.app_context():
        response = refuse(error)
    headers = tuple((name, value) for name, value in response.headers if name != "Content-Length")
    return LaneReply(response.status_code, route, headers, response.get_data())
