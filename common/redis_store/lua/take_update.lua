-- requires: session, rate_limits, append
-- Accept one update of a player: session, rate limits, idempotency, inbox and doorbell in one step, or change nothing.
-- KEYS: inbox, doorbell, the update's receipt; the session's mark, `loaded` and owner; the address' window before this
-- one and its current window, the user's window.
-- ARGV: user id; nonce of this request, pending receipt, and the entry's fields `update` and `more`; the version of the
-- entries, the most the inbox may hold, for how long a doorbell counts (ms); limit and window (ms) by address; limit and
-- window (s) by user, the time (Unix seconds), and the server's run id, if it is known.
-- Returns 2 if the update is accepted and the doorbell is to be rung, 1 if it is accepted, and 0 if nothing was done
-- because something needs a closer look. A repetition of the same request is told by its nonce: it counts only once.
local INBOX, DOORBELL, RECEIPT = KEYS[1], KEYS[2], KEYS[3]
local address_limit, address_window = tonumber(ARGV[9]), tonumber(ARGV[10])
local user_limit, user_window = tonumber(ARGV[11]), tonumber(ARGV[12])

local receipt, rung, mark, loaded, owner = unpack(redis.call('MGET', RECEIPT, DOORBELL, KEYS[4], KEYS[5], KEYS[6]))
if receipt then return is_of_request(receipt, ARGV[2]) and 2 or 0 end
if user_of_session(mark, loaded, owner, ARGV[14]) ~= ARGV[1] then return 0 end
if redis.call('XLEN', INBOX) >= tonumber(ARGV[7]) then return 0 end
local room = room_in_sliding(KEYS[7], KEYS[8], address_limit, address_window)
if not room then return 0 end
if not is_within_moving_limit(KEYS[9], user_limit, user_window, ARGV[13]) then return 0 end

count_sliding(room, KEYS[7], KEYS[8], address_window)
count_moving(KEYS[9], user_limit, user_window, ARGV[13])
append_update(INBOX, RECEIPT, acceptance_time(), ARGV[6], ARGV[3], ARGV[4], ARGV[5])
return not rung and is_doorbell_due(DOORBELL, ARGV[8]) and 2 or 1
