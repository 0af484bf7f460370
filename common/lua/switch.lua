-- End a rebuild: the keys under construction become the board, under a new epoch, and the fence falls.
-- KEYS: scores, members, meta, rebuilding, new scores, new members.
-- ARGV: fence, epoch, run id at the beginning, built at (ms), 1 if the lowest score leads, then per hidden row: user id,
-- version.
-- Returns 1, or 0 if this rebuild has lost its lease or the server it began on.
if redis.call('GET', KEYS[4]) ~= ARGV[1] or redis.call('HGET', KEYS[3], 'fence') ~= ARGV[1] then return 0 end
if string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') ~= ARGV[3] then return 0 end
for i = 1, 2 do
  if redis.call('EXISTS', KEYS[i + 4]) == 1 then
    redis.call('RENAME', KEYS[i + 4], KEYS[i])
    redis.call('PERSIST', KEYS[i])
  else
    redis.call('DEL', KEYS[i])
  end
end
redis.call('DEL', KEYS[3], KEYS[4])
redis.call('HSET', KEYS[3], 'epoch', ARGV[2], 'seq', 1, 'run_id', ARGV[3], 'at', ARGV[4], 'ascending', ARGV[5],
  'players', redis.call('ZCARD', KEYS[1]))
for at = 6, #ARGV, 2 do redis.call('HSET', KEYS[3], 'hidden:' .. ARGV[at], ARGV[at + 1]) end
return 1
