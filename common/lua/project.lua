-- Write absolute standings to a board. Safe to run twice and in any order: a row enters only with a greater version.
-- A hidden row takes its player off the board; its version stays in meta, so that no older row brings them back.
-- KEYS: scores, members, meta. ARGV: committed at (ms), whether ranks are wanted (1 or 0),
--   then per row: user id, score, tie, version, updated at (ms), 1 if hidden.
-- Returns nil if the board is not served (nothing is written), else {seq, then per row, if wanted: rank before, rank
--   after}; ranks count from 0, and -1 stands for unranked.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state then return false end

local users, hidden_of = {}, {}
for i = 3, #ARGV, 6 do
  users[#users + 1] = ARGV[i]
  hidden_of[#hidden_of + 1] = 'hidden:' .. ARGV[i]
end
local known = redis.call('HMGET', KEYS[2], unpack(users))
local hidden_at = redis.call('HMGET', KEYS[3], unpack(hidden_of))

local function rank(user, tie)
  return tie and redis.call(state.ascending and 'ZRANK' or 'ZREVRANK', KEYS[1], tie .. ':' .. user) or -1
end

local wanted = ARGV[2] == '1'
local before, now_at = {}, {}
local gone, left, scored, stored, hides, shows = {}, {}, {}, {}, {}, {}
for i, user in ipairs(users) do
  local at = 6 * i - 3
  local score, tie = ARGV[at + 1], tie_rank(ARGV[at + 2], state.ascending)
  local version, updated, hidden = ARGV[at + 3], ARGV[at + 4], ARGV[at + 5] == '1'
  local old_version, old_tie
  if known[i] then old_version, old_tie = string.match(known[i], '^(%d+):(%d+):') end
  if wanted then before[i] = rank(user, old_tie) end
  now_at[i] = old_tie
  if tonumber(version) > tonumber(old_version or hidden_at[i] or 0) then
    if old_tie and (hidden or old_tie ~= tie) then gone[#gone + 1] = old_tie .. ':' .. user end
    if hidden then
      if old_tie then left[#left + 1] = user end
      hides[#hides + 1] = hidden_of[i]
      hides[#hides + 1] = version
      now_at[i] = nil
    else
      scored[#scored + 1] = score
      scored[#scored + 1] = tie .. ':' .. user
      stored[#stored + 1] = user
      stored[#stored + 1] = version .. ':' .. tie .. ':' .. updated
      if hidden_at[i] then shows[#shows + 1] = hidden_of[i] end
      now_at[i] = tie
    end
  end
end

local seq = tonumber(state.seq)
if #gone > 0 then redis.call('ZREM', KEYS[1], unpack(gone)) end
if #left > 0 then redis.call('HDEL', KEYS[2], unpack(left)) end
if #hides > 0 then redis.call('HSET', KEYS[3], unpack(hides)) end
if #shows > 0 then redis.call('HDEL', KEYS[3], unpack(shows)) end
if #scored > 0 then
  redis.call('ZADD', KEYS[1], unpack(scored))
  redis.call('HSET', KEYS[2], unpack(stored))
end
if #scored > 0 or #left > 0 then
  seq = redis.call('HINCRBY', KEYS[3], 'seq', 1)
  redis.call('HSET', KEYS[3], 'at', ARGV[1], 'players', redis.call('ZCARD', KEYS[1]))
end

local out = {seq}
if wanted then
  for i, user in ipairs(users) do
    out[#out + 1] = before[i]
    out[#out + 1] = rank(user, now_at[i])
  end
end
return out
