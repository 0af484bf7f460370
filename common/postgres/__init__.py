"""Everything that knows the tables: one module for each store, with all SQL of it inside.

Rule: nothing here knows Redis; a function works in the transaction of the connection that it is given.
"""
