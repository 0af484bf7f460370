-- Shared by the scripts that touch a board: prepended to each.
--
-- A board is served only as long as it is whole: it was filled on this very server (its run id stands in meta),
-- nobody is rebuilding it (no fence), and neither of its two keys has been lost alone.
local function serving(scores, members, meta)
  local state = redis.call('HMGET', meta, 'run_id', 'fence', 'epoch', 'seq', 'at', 'ascending')
  if not state[1] or state[2] then return nil end
  if redis.call('ZCARD', scores) ~= redis.call('HLEN', members) then return nil end
  if string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') ~= state[1] then return nil end
  return {epoch = state[3], seq = state[4], at = state[5], ascending = state[6] == '1'}
end
