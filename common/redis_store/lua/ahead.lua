-- Shared by the scripts that find a place in the order, which require it.
--
-- How many rows stand before those of this score whose members begin with `prefix`, these counted or not: the rows of a
-- better score, and of the same score the ones before, found by halving.
local function rows_ahead(scores, ascending, score, prefix, itself)
  local first
  if ascending then
    first = redis.call('ZCOUNT', scores, '-inf', '(' .. score)
  else
    first = redis.call('ZCOUNT', scores, '(' .. score, '+inf')
  end
  if prefix == '' then return first end
  local range = ascending and 'ZRANGE' or 'ZREVRANGE'
  local low, high = 0, redis.call('ZCOUNT', scores, score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local rank = string.sub(redis.call(range, scores, first + middle, first + middle)[1], 1, #prefix)
    local earlier = rank > prefix
    if ascending then earlier = rank < prefix end
    if earlier or (itself and rank == prefix) then low = middle + 1 else high = middle end
  end
  return first + low
end

-- The place of a row where equal scores share one: one more than the rows that are better by score and second score.
-- `width` is that of what begins a member; its last 15 digits are the tie.
local function shared_place(scores, ascending, width, score, member)
  return rows_ahead(scores, ascending, score, string.sub(member, 1, width - 15), false) + 1
end
