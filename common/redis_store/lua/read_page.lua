-- requires: order, ahead, chunks, serving, details
-- Rows of a board with their version, read together so that they are never torn.
-- KEYS: scores, members, meta.
-- ARGV: how many rows, prefix and suffix of the details key, then which:
--   'first' | 'after', score, place | 'before', score, place | 'around', user id; a place as in `order`
--   | 'around_score', score, which stands behind those who have it.
-- Returns nil if the board is not served, else
--   {epoch, seq, at, 1 if the lowest score leads, the order of the second score or '', total, found (1 or 0; for a score
--   the rank that it would have), index of the first row, its place if equal scores share one, then per row: member,
--   score, info, details}.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state then return false end

local total = redis.call('ZCARD', KEYS[1])
local limit = tonumber(ARGV[1])
local range = state.ascending and 'ZRANGE' or 'ZREVRANGE'

local function ahead(score, place, itself)
  return rows_ahead(KEYS[1], state.ascending, score, place_rank(place, state.ascending, state.second), itself)
end

local which, found, start, count = ARGV[4], 1, 0, limit
if which == 'after' then
  start = ahead(ARGV[5], ARGV[6], true)
elseif which == 'before' then
  local stop = ahead(ARGV[5], ARGV[6], false)
  start = math.max(0, stop - limit)
  count = stop - start
elseif which == 'around_score' then
  local from, to = ARGV[5], '+inf'
  if state.ascending then from, to = '-inf', ARGV[5] end
  local stand_before = redis.call('ZCOUNT', KEYS[1], from, to)
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

local out = {state.epoch, state.seq, state.at, state.ascending and 1 or 0, state.second or '', total, found, start, false}
if count == 0 then return out end
local rows = redis.call(range, KEYS[1], start, start + count - 1, 'WITHSCORES')
if #rows == 0 then return out end
if state.shared then out[9] = shared_place(KEYS[1], state.ascending, state.width, rows[2], rows[1]) end
local users = {}
for i = 1, #rows, 2 do users[#users + 1] = string.sub(rows[i], state.width + 2) end
local infos = fetch(KEYS[2], users)
for i, user in ipairs(users) do
  local n = #out
  out[n + 1] = rows[2 * i - 1]
  out[n + 2] = rows[2 * i]
  out[n + 3] = infos[i]
  out[n + 4] = details(ARGV[2] .. user .. ARGV[3], state.run_id)
end
return out
