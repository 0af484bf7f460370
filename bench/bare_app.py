"""The floor: a Flask app that does nothing. It imports nothing of ours, so that no cost of the product is in it."""

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.get("/")
def constant() -> Response:
    """Answer the same 30 bytes of JSON each time."""
    return jsonify(status="ok", answer=42)
