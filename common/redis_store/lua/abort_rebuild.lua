-- Abort a rebuild: remove its lease, its fence and the rows that it has staged. The old board serves again if it still may: if
-- anything was projected meanwhile, `project` has taken its run id away.
-- KEYS: meta, rebuilding, new scores, new members, new meta. ARGV: fence.
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
if redis.call('HGET', KEYS[1], 'fence') == ARGV[1] then redis.call('HDEL', KEYS[1], 'fence') end
return redis.call('UNLINK', KEYS[3], KEYS[4], KEYS[5])
