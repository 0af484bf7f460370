-- requires: serving
-- KEYS: scores, members, meta. Returns 1 if the board is served, else 0.
return serving(KEYS[1], KEYS[2], KEYS[3]) and 1 or 0
