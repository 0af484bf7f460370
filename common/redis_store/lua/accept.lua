-- Accept updates exactly once each: receipts, inbox entries and doorbell in one step; all of the new ones or none.
-- KEYS: inbox, doorbell, then each update's receipt.
-- ARGV: the most the inbox may hold, for how long a doorbell counts (ms), the version of the entries, then of each
-- update: nonce of this request, pending receipt, and the entry's fields `update` and `more`.
-- Returns {'full'} | {'taken', 1 if the doorbell is to be rung, then of each update the receipt if it was known, or ''}.
-- A repetition of the same request (a reply that was lost) is told by its nonce and counts as accepted.
local INBOX, DOORBELL = KEYS[1], KEYS[2]
local new = 0
for i = 3, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then new = new + 1 end
end
if new > 0 and redis.call('XLEN', INBOX) + new > tonumber(ARGV[1]) then return {'full'} end

local time = redis.call('TIME')
local accepted_at = string.format('%d%03d', time[1], math.floor(time[2] / 1000))
local answer = {'taken', 0}
local repeated = false
for i = 3, #KEYS do
  local first = 4 * (i - 2)
  local nonce, pending, entry, more = ARGV[first], ARGV[first + 1], ARGV[first + 2], ARGV[first + 3]
  local receipt = redis.call('GET', KEYS[i])
  if not receipt then
    redis.call('XADD', INBOX, '*', 'update', entry, 'more', more, 'accepted_at', accepted_at, 'version', ARGV[3])
    redis.call('SET', KEYS[i], pending)
  elseif cjson.decode(receipt).nonce == nonce then
    repeated = true
    receipt = nil
  end
  answer[i] = receipt or ''
end
if repeated or (new > 0 and redis.call('SET', DOORBELL, '1', 'NX', 'PX', ARGV[2])) then answer[2] = 1 end
return answer
