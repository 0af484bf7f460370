"""What crosses the wire: the bodies, answers, messages and errors of the public contract, as types.

Rule: pure. A module here describes or parses values; it reads no clock, no setting and no store.
"""
