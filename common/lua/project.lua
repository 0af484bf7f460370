-- Write absolute standings to a board. Safe to run twice and in any order: a row enters only with a greater version.
-- KEYS: scores, members, meta. ARGV: committed at (ms), whether ranks are wanted (1 or 0),
--   then per row: user id, score, tie, version, updated at (ms).
-- Returns nil if the board is not served (nothing is written), else {seq, then per row, if wanted: rank before, rank
--   after}; ranks count from 0, and -1 stands for unranked.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state then return false end

local users = {}
for i = 3, #ARGV, 5 do users[#users + 1] = ARGV[i] end
local known = redis.call('HMGET', KEYS[2], unpack(users))

local function rank(user, tie)
  return tie and redis.call(state.ascending and 'ZRANK' or 'ZREVRANK', KEYS[1], tie .. ':' .. user) or -1
end

local wanted = ARGV[2] == '1'
local before, now_at, gone, scored, stored = {}, {}, {}, {}, {}
for i, user in ipairs(users) do
  local at = 5 * i - 2
  local score, tie = ARGV[at + 1], tie_rank(ARGV[at + 2], state.ascending)
  local version, updated = ARGV[at + 3], ARGV[at + 4]
  local old_version, old_tie
  if known[i] then old_version, old_tie = string.match(known[i], '^(%d+):(%d+):') end
  if wanted then before[i] = rank(user, old_tie) end
  now_at[i] = old_tie
  if tonumber(version) > tonumber(old_version or 0) then
    if old_tie and old_tie ~= tie then gone[#gone + 1] = old_tie .. ':' .. user end
    scored[#scored + 1] = score
    scored[#scored + 1] = tie .. ':' .. user
    stored[#stored + 1] = user
    stored[#stored + 1] = version .. ':' .. tie .. ':' .. updated
    now_at[i] = tie
  end
end

local seq = tonumber(state.seq)
if #gone > 0 then redis.call('ZREM', KEYS[1], unpack(gone)) end
if #scored > 0 then
  redis.call('ZADD', KEYS[1], unpack(scored))
  redis.call('HSET', KEYS[2], unpack(stored))
  seq = redis.call('HINCRBY', KEYS[3], 'seq', 1)
  redis.call('HSET', KEYS[3], 'at', ARGV[1])
end

local out = {seq}
if wanted then
  for i, user in ipairs(users) do
    out[#out + 1] = before[i]
    out[#out + 1] = rank(user, now_at[i])
  end
end
return out
