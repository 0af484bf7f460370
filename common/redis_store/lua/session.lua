-- requires: server
-- Shared by the scripts that ask whose session it is, which require it.
--
-- Returns 'revoked', 'ask' (PostgreSQL knows), or the id of the user whose live session it is, as far as this server
-- knows, by the values of three keys: the session's mark, `loaded`, and the session's owner. `known` is as in `server`.
local function user_of_session(mark, loaded, owner, known)
  if mark == '1' then return 'revoked' end
  if mark or not loaded or server_run_id(known) ~= loaded then return 'ask' end
  return owner or 'ask'
end
