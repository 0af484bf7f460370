-- requires: order, chunks, write, serving, show
-- Show absolute standings on a board. Afterwards they are safe, whatever is answered: they are on the board, or among
-- the rows of the rebuild under way, or the board can come back only by a rebuild that reads them from PostgreSQL.
-- KEYS: scores, members, meta, rebuilding. ARGV: committed at (ms), whether ranks are wanted (1 or 0), then rows as
-- `write` reads them.
-- Returns {'shown', seq, then per row, if wanted: rank before, rank after} | {'rebuilding'} | {'absent'}.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if state then
  local seq, ranks = show(KEYS[1], KEYS[2], KEYS[3], state, ARGV[1], 3, #ARGV, ARGV[2] == '1')
  local out = {'shown', seq}
  for i = 1, #ranks do out[i + 2] = ranks[i] end
  return out
end

-- What stands here lacks these rows from now on: without a run id it is never served again.
redis.call('HDEL', KEYS[3], 'run_id')
local fence = redis.call('HGET', KEYS[3], 'fence')
if not fence or redis.call('GET', KEYS[4]) ~= fence then return {'absent'} end
local scores, members, meta = KEYS[1] .. ':' .. fence, KEYS[2] .. ':' .. fence, KEYS[3] .. ':' .. fence
local order = redis.call('HMGET', meta, 'ascending', 'second')
if not order[1] then
  redis.call('DEL', KEYS[4])  -- a rebuild that cannot take these rows in must not come to its end
  return {'absent'}
end
write(scores, members, meta, order[1] == '1', 3, #ARGV, false, order[2] or nil)
redis.call('EXPIRE', scores, 3600)
redis.call('EXPIRE', members, 3600)
return {'rebuilding'}
