-- requires: order, chunks, serving
-- Rows of a board with their version, read together so that they are never torn.
-- KEYS: scores, members, meta.
-- ARGV: how many rows, prefix and suffix of the details key, then which:
--   'first' | 'after', score, tie | 'before', score, tie | 'around', user id
--   | 'around_score', score, tie.
-- Returns nil if the board is not served, else
--   {epoch, seq, at, 1 if the lowest score leads, total, found (1 or 0; the rank, for a score), index of the first row, then per row: member, score, info, username}.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state then return false end

local total = redis.call('ZCARD', KEYS[1])
local limit = tonumber(ARGV[1])
local range = state.ascending and 'ZRANGE' or 'ZREVRANGE'

-- How many rows stand before a place, itself counted or not: those of a better score, and of the same score those
-- that came earlier, found by halving.
local function ahead(score, tie, itself)
  local place = tie_rank(tie, state.ascending)
  local first
  if state.ascending then
    first = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. score)
  else
    first = redis.call('ZCOUNT', KEYS[1], '(' .. score, '+inf')
  end
  local low, high = 0, redis.call('ZCOUNT', KEYS[1], score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local rank = string.sub(redis.call(range, KEYS[1], first + middle, first + middle)[1], 1, 15)
    local earlier = rank > place
    if state.ascending then earlier = rank < place end
    if earlier or (itself and rank == place) then low = middle + 1 else high = middle end
  end
  return first + low
end

local which, found, start, count = ARGV[4], 1, 0, limit
if which == 'after' then
  start = ahead(ARGV[5], ARGV[6], true)
elseif which == 'before' then
  local stop = ahead(ARGV[5], ARGV[6], false)
  start = math.max(0, stop - limit)
  count = stop - start
elseif which == 'around_score' then
  local stand_before = ahead(ARGV[5], ARGV[6], true)
  found = stand_before + 1
  start = math.max(0, math.min(stand_before - math.floor(limit / 2), total - limit))
elseif which == 'around' then
  local info = redis.call('HGET', KEYS[2], ARGV[5])
  if info then
    local rank = redis.call(state.ascending and 'ZRANK' or 'ZREVRANK', KEYS[1], string.match(info, ':(%d+):') .. ':' .. ARGV[5])
    start = math.max(0, math.min(rank - math.floor(limit / 2), total - limit))
  else
    found = 0
    count = 0
  end
end

local out = {state.epoch, state.seq, state.at, state.ascending and 1 or 0, total, found, start}
if count == 0 then return out end
local rows = redis.call(range, KEYS[1], start, start + count - 1, 'WITHSCORES')
if #rows == 0 then return out end
local users = {}
for i = 1, #rows, 2 do users[#users + 1] = string.sub(rows[i], 17) end
local infos = fetch(KEYS[2], users)
for i, user in ipairs(users) do
  local n = #out
  out[n + 1] = rows[2 * i - 1]
  out[n + 2] = rows[2 * i]
  out[n + 3] = infos[i]
  out[n + 4] = redis.call('HGET', ARGV[2] .. user .. ARGV[3], 'username')
end
return out
