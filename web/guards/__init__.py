"""What stands around every view: identity, limits, proxies, headers, sizes, and the shape of errors.

Rule: a guard refuses with a code of the contract and changes nothing.
"""
