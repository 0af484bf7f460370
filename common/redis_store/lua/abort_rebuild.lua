-- Abort a rebuild: remove its lease, its fence and the rows that it has staged. The old board is served again, unless
-- anything was projected meanwhile: then `project` has removed its run id.
-- KEYS: meta, rebuilding, new scores, new members, new meta. ARGV: fence.
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
if redis.call('HGET', KEYS[1], 'fence') == ARGV[1] then redis.call('HDEL', KEYS[1], 'fence') end
return redis.call('UNLINK', KEYS[3], KEYS[4], KEYS[5])
