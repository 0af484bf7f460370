"""Everything that knows Redis' keys and commands, and the Lua scripts that run inside it.

Rule: nothing here knows PostgreSQL; every command is safe when it runs twice.
"""
