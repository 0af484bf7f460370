"""Alembic's environment and the versions of the schema, oldest first. A version that has landed is never edited."""
