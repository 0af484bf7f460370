-- Add rows, none of them hidden, to the keys under construction and keep the lease.
-- KEYS: rebuilding, new scores, new members.
-- ARGV: fence, lease in ms, 1 if the lowest score leads, then per row: user id, score, tie, version, updated at (ms),
-- 1 if hidden.
-- Returns 1, or 0 if the lease was lost.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local scored, stored = {}, {}
local ascending = ARGV[3] == '1'
for at = 4, #ARGV, 6 do
  local user, tie = ARGV[at], tie_rank(ARGV[at + 2], ascending)
  scored[#scored + 1] = ARGV[at + 1]
  scored[#scored + 1] = tie .. ':' .. user
  stored[#stored + 1] = user
  stored[#stored + 1] = ARGV[at + 3] .. ':' .. tie .. ':' .. ARGV[at + 4]
end
if #scored > 0 then
  redis.call('ZADD', KEYS[2], unpack(scored))
  redis.call('HSET', KEYS[3], unpack(stored))
  redis.call('EXPIRE', KEYS[2], 3600)
  redis.call('EXPIRE', KEYS[3], 3600)
end
return 1
