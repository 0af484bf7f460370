-- requires: rate_limits, serving, place, details
-- Count a read of a player's place against the limit of its address, and tell the place; or do nothing.
-- KEYS: the address' window before this one and its current window; scores, members, meta; the player's details.
-- ARGV: limit, window (ms), user id, and the server's run id, if it is known.
-- Returns {total, details, score, info, rank from 0}, or nil if the request is over the limit, the board is not
-- served, has a second score or shared places, the player is not ranked, or their details are not known here, or they are not named.
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = serving(KEYS[3], KEYS[4], KEYS[5], ARGV[4])
if not state or state.second or state.shared then return false end
local told = details(KEYS[6], state.run_id)
local score, info, rank = place_of(KEYS[3], KEYS[4], ARGV[3], state.ascending)
local room = told[1] and told[5] == 'named' and score and room_in_sliding(KEYS[1], KEYS[2], limit, window)
if not room then return false end
count_sliding(room, KEYS[1], KEYS[2], window)
return {redis.call('ZCARD', KEYS[3]), told, score, info, rank}
