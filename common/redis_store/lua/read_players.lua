-- requires: serving, details
-- The places of some players on a board, all of one instant.
-- KEYS: scores, members, meta. ARGV: prefix and suffix of the details key, then user ids.
-- Returns nil if the board is not served, else {epoch, seq, total, then per user: details, score, info, rank from 0};
-- the last three are false for a player who is not ranked.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state then return false end
local out = {state.epoch, state.seq, redis.call('ZCARD', KEYS[1])}
for i = 3, #ARGV do
  local n, user = #out, ARGV[i]
  local info = redis.call('HGET', KEYS[2], user)
  out[n + 1] = details(ARGV[1] .. user .. ARGV[2])
  out[n + 2], out[n + 3], out[n + 4] = false, info, false
  if info then
    local member = string.match(info, ':(%d+):') .. ':' .. user
    out[n + 2] = redis.call('ZSCORE', KEYS[1], member)
    out[n + 4] = redis.call(state.ascending and 'ZRANK' or 'ZREVRANK', KEYS[1], member)
  end
end
return out
