-- Take in an update exactly once: receipt, inbox entry and doorbell in one step.
-- KEYS: receipt, inbox, doorbell.
-- ARGV: nonce of this request, pending receipt, entry, the most the inbox may hold, for how long a doorbell counts (ms).
-- Returns {'accepted', 1 if the doorbell is to be rung} | {'known', receipt} | {'full'}.
-- A repetition of the same request (a reply that was lost) is told by its nonce and counts as accepted.
local receipt = redis.call('GET', KEYS[1])
if receipt then
  if cjson.decode(receipt).nonce == ARGV[1] then return {'accepted', 1} end
  return {'known', receipt}
end
if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[4]) then return {'full'} end
local time = redis.call('TIME')
local accepted_at = string.format('%d%03d', time[1], math.floor(time[2] / 1000))
redis.call('XADD', KEYS[2], '*', 'update', ARGV[3], 'accepted_at', accepted_at)
redis.call('SET', KEYS[1], ARGV[2])
local quiet = redis.call('SET', KEYS[3], '1', 'NX', 'PX', ARGV[5])
return {'accepted', quiet and 1 or 0}
