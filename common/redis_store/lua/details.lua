-- Shared by the scripts that read what is told of players, which require it.
--
-- Returns {username, displayName, country, avatar, visibility}; an empty text stands for what is not set, and false for
-- what the cache does not hold. What was remembered on a server before this one, `run_id`, counts as not held: a copy
-- from before a change has come back with it, perhaps the name of somebody who is anonymous or erased since.
local function details(key, run_id)
  local found = redis.call('HMGET', key, 'username', 'displayName', 'country', 'avatar', 'visibility', 'run_id')
  if table.remove(found) ~= run_id then return {false, false, false, false, false} end
  return found
end
