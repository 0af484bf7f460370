"""Running the product on one machine with nothing installed: embedded servers, and a supervisor of all programs.

Rule: only `make`, the tests and the benches use this package; the product never imports it.
"""
