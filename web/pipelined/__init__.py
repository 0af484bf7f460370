"""One connection to Redis for all greenlets of a web process.

Rule: nothing here knows a key or a script, and nothing outside touches the connection but through the clients here.
"""
