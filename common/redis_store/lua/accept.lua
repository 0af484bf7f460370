-- requires: append
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

local accepted_at = acceptance_time()
local answer = {'taken', 0}
local repeated = false
for i = 3, #KEYS do
  local first = 4 * (i - 2)
  local nonce, pending, entry, more = ARGV[first], ARGV[first + 1], ARGV[first + 2], ARGV[first + 3]
  local receipt = redis.call('GET', KEYS[i])
  if not receipt then
    append_update(INBOX, KEYS[i], accepted_at, ARGV[3], pending, entry, more)
  elseif is_of_request(receipt, nonce) then
    repeated = true
    receipt = nil
  end
  answer[i] = receipt or ''
end
if repeated or (new > 0 and is_doorbell_due(DOORBELL, ARGV[2])) then answer[2] = 1 end
return answer
