"""The lane: the requests that make up the load, answered ahead of Flask where the answer is a plain yes."""
