-- Tell whose session this is, as far as this server knows.
-- KEYS: revoked, loaded, owner. Returns 'revoked', 'ask' (PostgreSQL knows), or the id of the user whose live session it is.
local mark = redis.call('GET', KEYS[1])
if mark == '1' then return 'revoked' end
if mark then return 'ask' end
local loaded = redis.call('GET', KEYS[2])
if not loaded or string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') ~= loaded then return 'ask' end
return redis.call('GET', KEYS[3]) or 'ask'
