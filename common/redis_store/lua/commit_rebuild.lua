-- requires: server
-- Commit a rebuild: the staged keys become the board, under a new epoch, and the fence is removed. Nothing here
-- takes longer for a larger board: big keys are renamed, and freed in the background.
-- KEYS: scores, members, meta, rebuilding, new scores, new members, new meta.
-- ARGV: fence, epoch, run id at the beginning, built at (ms).
-- Returns 1, or 0 if this rebuild has lost its lease, its rows, or the server it began on.
if redis.call('HGET', KEYS[3], 'epoch') == ARGV[2] then return 1 end  -- sent again because the answer was lost
if redis.call('GET', KEYS[4]) ~= ARGV[1] or redis.call('HGET', KEYS[3], 'fence') ~= ARGV[1] then return 0 end
if server_run_id() ~= ARGV[3] then return 0 end
if redis.call('EXISTS', KEYS[7]) == 0 then return 0 end
for i = 1, 3 do
  redis.call('UNLINK', KEYS[i])
  if redis.call('EXISTS', KEYS[i + 4]) == 1 then
    redis.call('RENAME', KEYS[i + 4], KEYS[i])
    redis.call('PERSIST', KEYS[i])
  end
end
redis.call('DEL', KEYS[4])
redis.call('HSET', KEYS[3], 'epoch', ARGV[2], 'seq', 1, 'run_id', ARGV[3], 'at', ARGV[4],
  'players', redis.call('ZCARD', KEYS[1]))
return 1
