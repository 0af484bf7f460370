-- requires: order, chunks, write
-- Add rows to the keys under construction, each unless a newer one is there already, and keep the lease.
-- KEYS: rebuilding, new scores, new members, new meta. ARGV: fence, lease in ms, then rows as `write` reads them.
-- Returns 1, or 0 if the lease was lost.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local order = redis.call('HMGET', KEYS[4], 'ascending', 'second')
if not order[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
write(KEYS[2], KEYS[3], KEYS[4], order[1] == '1', 3, #ARGV, false, order[2] or nil)
for i = 2, 4 do redis.call('EXPIRE', KEYS[i], 3600) end
return 1
