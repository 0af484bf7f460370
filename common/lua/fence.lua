-- Begin a rebuild: from here on nothing is projected to this board and nobody reads it.
-- KEYS: meta, rebuilding. ARGV: fence (a random text of this rebuild), lease in ms.
-- Returns the server's run id, or nil if another rebuild is under way.
if not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return false end
redis.call('HSET', KEYS[1], 'fence', ARGV[1])
return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
