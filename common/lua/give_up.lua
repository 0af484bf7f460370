-- Leave nothing of a rebuild behind that did not come to its end.
-- KEYS: meta, rebuilding, new scores, new members. ARGV: fence.
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
if redis.call('HGET', KEYS[1], 'fence') == ARGV[1] then redis.call('HDEL', KEYS[1], 'fence') end
return redis.call('UNLINK', KEYS[3], KEYS[4])
