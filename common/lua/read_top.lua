-- The first rows of a board with their version, read together so that they are never torn.
-- KEYS: scores, members, meta. ARGV: how many rows, prefix and suffix of the details key.
-- Returns nil if the board is not served, else {epoch, seq, at, total, then per row: member, score, info, username}.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state then return false end
local out = {state.epoch, state.seq, state.at, redis.call('ZCARD', KEYS[1])}
local rows = redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1, 'WITHSCORES')
if #rows == 0 then return out end
local users = {}
for i = 1, #rows, 2 do users[#users + 1] = string.sub(rows[i], 17) end
local infos = redis.call('HMGET', KEYS[2], unpack(users))
for i, user in ipairs(users) do
  local n = #out
  out[n + 1] = rows[2 * i - 1]
  out[n + 2] = rows[2 * i]
  out[n + 3] = infos[i]
  out[n + 4] = redis.call('HGET', ARGV[2] .. user .. ARGV[3], 'username')
end
return out
