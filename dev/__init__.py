"""What brings the product up on one machine with nothing installed: embedded servers, and a supervisor for all of it.

Only `make`, the tests and the benches come here; the product itself never imports this package.
"""
