-- requires: server, serving
-- Begin a rebuild: from here on nobody reads this board, and what is projected goes to the keys under construction.
-- KEYS: scores, members, meta, rebuilding.
-- ARGV: fence (a random text of this rebuild), lease in ms, 1 if the lowest score leads, the order of the second score
-- ('1' if the lowest leads, '0' if the highest, '' if there is none), 1 if equal scores share a place, 1 if a board that
-- is served is left as it is: another rebuild may have come to its end since somebody found that this one is needed.
-- Returns the server's run id, '' if the board is served and left, or nil if another rebuild is under way. What a dead
-- rebuild has left behind is freed.
local holder = redis.call('GET', KEYS[4])
if holder and holder ~= ARGV[1] then return false end
if ARGV[6] == '1' and serving(KEYS[1], KEYS[2], KEYS[3]) then return '' end
local dead = redis.call('HGET', KEYS[3], 'fence')
if dead and dead ~= ARGV[1] then
  redis.call('UNLINK', KEYS[1] .. ':' .. dead, KEYS[2] .. ':' .. dead, KEYS[3] .. ':' .. dead)
end
redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[2])
redis.call('HSET', KEYS[3], 'fence', ARGV[1])
local building = KEYS[3] .. ':' .. ARGV[1]
redis.call('HSET', building, 'ascending', ARGV[3], 'shared', ARGV[5])
if ARGV[4] ~= '' then redis.call('HSET', building, 'second', ARGV[4], 'width', 31) end
redis.call('EXPIRE', building, 3600)
return server_run_id()
