-- requires: ahead, serving
-- The places of some players on a board, all of one instant.
-- KEYS: scores, members, meta. ARGV: prefix and suffix of the details key, then user ids.
-- Returns nil if the board is not served, else {epoch, seq, total, 1 if the lowest score leads, the order of the second
-- score or '', then per user: username, score, info, rank from 0, place if equal scores share one}; the last four are
-- false for a player who is not ranked.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state then return false end
local out = {state.epoch, state.seq, redis.call('ZCARD', KEYS[1]), state.ascending and 1 or 0, state.second or ''}
for i = 3, #ARGV do
  local n, user = #out, ARGV[i]
  local info = redis.call('HGET', KEYS[2], user)
  out[n + 1] = redis.call('HGET', ARGV[1] .. user .. ARGV[2], 'username')
  out[n + 2], out[n + 3], out[n + 4], out[n + 5] = false, info, false, false
  if info then
    local member = string.match(info, ':(%d+):') .. ':' .. user
    out[n + 2] = redis.call('ZSCORE', KEYS[1], member)
    out[n + 4] = redis.call(state.ascending and 'ZRANK' or 'ZREVRANK', KEYS[1], member)
    if state.shared then out[n + 5] = shared_place(KEYS[1], state.ascending, state.width, out[n + 2], member) end
  end
end
return out
