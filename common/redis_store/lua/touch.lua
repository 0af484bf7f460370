-- requires: serving
-- Move the seq of a board although no score has changed, since a row of it looks different now.
-- KEYS: scores, members, meta. ARGV: when that was committed (ms), and whose row it is.
-- Returns the new seq, or nil if the board is not served or does not show the player: there is nothing to be seen then,
-- and a rebuild begins with another epoch.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state or redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then return false end
redis.call('HSET', KEYS[3], 'at', ARGV[1])
return redis.call('HINCRBY', KEYS[3], 'seq', 1)
