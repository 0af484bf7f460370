-- requires: server
-- Shared by the scripts that touch a board, which require it.
--
-- A board is served only as long as it is whole: it was filled on this very server (its run id stands in meta),
-- nobody is rebuilding it (no fence), and each of its two keys holds as many players as meta has counted.
-- `known` is as in `server`.
local function serving(scores, members, meta, known)
  local state = redis.call('HMGET', meta, 'run_id', 'fence', 'epoch', 'seq', 'at', 'ascending', 'players', 'second',
    'width', 'shared')
  if not state[1] or state[2] then return nil end
  local players = tonumber(state[7])
  if redis.call('ZCARD', scores) ~= players or redis.call('HLEN', members) ~= players then return nil end
  if server_run_id(known) ~= state[1] then return nil end
  return {run_id = state[1], epoch = state[3], seq = state[4], at = state[5], ascending = state[6] == '1',
    second = state[8] or nil, width = tonumber(state[9] or 15), shared = state[10] == '1'}
end
