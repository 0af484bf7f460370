-- requires: rate_limits, serving
-- Count a read of a board against the limit of its address, and tell the board's version; or do nothing.
-- KEYS: the address' window before this one and its current window; scores, members, meta. ARGV: limit, window (ms),
-- and the server's run id, if it is known.
-- Returns {epoch, seq}, or nil if the request is over the limit or the board is not served.
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = serving(KEYS[3], KEYS[4], KEYS[5], ARGV[3])
local room = state and room_in_sliding(KEYS[1], KEYS[2], limit, window)
if not room then return false end
count_sliding(room, KEYS[1], KEYS[2], window)
return {state.epoch, state.seq}
