-- requires: order, chunks, write
-- Shared by the scripts that show rows on a board, which require it.
--
-- Write absolute rows to a board that is served, whose `state` is as `serving` returns it. The rows are those in ARGV
-- from `first` to `last`, as `write` reads them. Returns the seq of the board, and the ranks that `write` returns.
local function show(scores, members, meta, state, committed_at, first, last, wanted)
  local changed, ranks = write(scores, members, meta, state.ascending, first, last, wanted, state.second)
  local seq = tonumber(state.seq)
  if changed then
    seq = redis.call('HINCRBY', meta, 'seq', 1)
    redis.call('HSET', meta, 'at', committed_at, 'players', redis.call('ZCARD', scores))
  end
  return seq, ranks
end
