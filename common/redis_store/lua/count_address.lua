-- requires: rate_limits
-- Count one request of an address in a sliding window, if it is within the limit.
-- KEYS: the window before this one, the current window. ARGV: limit, window (ms).
-- Returns 1 if it was counted, and 0 if it was not because the limit is reached.
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local room = room_in_sliding(KEYS[1], KEYS[2], limit, window)
if not room then return 0 end
count_sliding(room, KEYS[1], KEYS[2], window)
return 1
