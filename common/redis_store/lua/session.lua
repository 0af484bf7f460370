-- Shared by the scripts that ask whose session it is, which require it.
--
-- Returns 'revoked', 'ask' (PostgreSQL knows), or the id of the user whose live session it is, as far as this server knows.
local function session_user(revoked, loaded, owner)
  local mark = redis.call('GET', revoked)
  if mark == '1' then return 'revoked' end
  if mark then return 'ask' end
  local run_id = redis.call('GET', loaded)
  if not run_id or string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') ~= run_id then return 'ask' end
  return redis.call('GET', owner) or 'ask'
end
