"""PostgreSQL and Valkey from Python wheels, each in a folder of its own and on the loopback address only."""
