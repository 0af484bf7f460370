-- requires: serving, place
-- The places of some players on a board, all of one instant.
-- KEYS: scores, members, meta. ARGV: prefix and suffix of the details key, then user ids.
-- Returns nil if the board is not served, else {epoch, seq, total, then per user: username, score, info, rank from 0};
-- the last three are false for a player who is not ranked.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state then return false end
local out = {state.epoch, state.seq, redis.call('ZCARD', KEYS[1])}
for i = 3, #ARGV do
  local n, user = #out, ARGV[i]
  out[n + 1] = redis.call('HGET', ARGV[1] .. user .. ARGV[2], 'username')
  out[n + 2], out[n + 3], out[n + 4] = place_of(KEYS[1], KEYS[2], user, state.ascending)
end
return out
