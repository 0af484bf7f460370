-- requires: ahead, serving, place, details
-- The places of some players on a board, all of one instant.
-- KEYS: scores, members, meta. ARGV: prefix and suffix of the details key, then user ids.
-- Returns nil if the board is not served, else {epoch, seq, total, 1 if the lowest score leads, the order of the second
-- score or '', then per user: details, score, info, rank from 0, place if equal scores share one}; the last four are
-- false for a player who is not ranked.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state then return false end
local out = {state.epoch, state.seq, redis.call('ZCARD', KEYS[1]), state.ascending and 1 or 0, state.second or ''}
for i = 3, #ARGV do
  local n, user = #out, ARGV[i]
  out[n + 1] = details(ARGV[1] .. user .. ARGV[2], state.run_id)
  local score, info, rank = place_of(KEYS[1], KEYS[2], user, state.ascending)
  out[n + 2], out[n + 3], out[n + 4], out[n + 5] = score, info, rank, false
  if info and state.shared then
    out[n + 5] = shared_place(KEYS[1], state.ascending, state.width, score, string.match(info, ':(%d+):'))
  end
end
return out
