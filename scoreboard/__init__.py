"""The operator's command line: a third door into `common`, beside the web and the workers.

It imports neither of them, and every command is safe to run twice.
"""
