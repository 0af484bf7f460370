"""The operator's command line, which uses `common` as the web and the workers do.

Rule: it imports neither of them, and every command is safe to run twice.
"""
