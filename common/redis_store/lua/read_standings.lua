-- requires: serving
-- What a board holds of some players, to compare it with PostgreSQL.
-- KEYS: scores, members, meta. ARGV: user ids.
-- Returns nil if the board is not served, else 1 if the lowest score leads, the order of the second score or '', and per
-- user: info, score of the member that it names; false where missing.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state then return false end
local out = {}
for i, user in ipairs(ARGV) do
  local info = redis.call('HGET', KEYS[2], user)
  out[2 * i - 1] = info
  out[2 * i] = info and redis.call('ZSCORE', KEYS[1], string.match(info, ':(%d+):') .. ':' .. user)
end
return {state.ascending and 1 or 0, state.second or '', out}
