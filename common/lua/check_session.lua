-- Whether a session was revoked, if this server can tell.
-- KEYS: revoked, loaded. Returns 'revoked', 'live', or 'ask' (PostgreSQL knows).
local mark = redis.call('GET', KEYS[1])
if mark == '1' then return 'revoked' end
if mark then return 'ask' end
local loaded = redis.call('GET', KEYS[2])
if not loaded or string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') ~= loaded then return 'ask' end
return 'live'
