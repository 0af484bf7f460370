-- requires: serving
-- Whether a board is served. Where it is, and whether equal scores share a place has changed, it is told so: a change
-- that readers see like any other.
-- KEYS: scores, members, meta. ARGV: 1 if equal scores share a place, else 0; left out by those who do not know.
-- Returns 1 if the board is served, else 0.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state then return 0 end
if ARGV[1] and state.shared ~= (ARGV[1] == '1') then
  redis.call('HSET', KEYS[3], 'shared', ARGV[1])
  redis.call('HINCRBY', KEYS[3], 'seq', 1)
end
return 1
