-- One player's place on a board.
-- KEYS: scores, members, meta, details. ARGV: user id.
-- Returns nil if the board is not served, else {epoch, seq, total, username, score, info, rank from 0};
-- the last three are false for a player who is not ranked.
local state = serving(KEYS[1], KEYS[2], KEYS[3])
if not state then return false end
local out = {state.epoch, state.seq, redis.call('ZCARD', KEYS[1]), redis.call('HGET', KEYS[4], 'username')}
local info = redis.call('HGET', KEYS[2], ARGV[1])
if not info then out[5] = false; out[6] = false; out[7] = false; return out end
local member = string.match(info, ':(%d+):') .. ':' .. ARGV[1]
out[5] = redis.call('ZSCORE', KEYS[1], member)
out[6] = info
out[7] = redis.call('ZREVRANK', KEYS[1], member)
return out
