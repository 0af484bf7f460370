-- Shared by the scripts that read what is told of players, which require it.
--
-- Returns {username, displayName, country, avatar, visibility}; an empty text stands for what is not set, and false for
-- what the cache does not hold.
local function details(key)
  return redis.call('HMGET', key, 'username', 'displayName', 'country', 'avatar', 'visibility')
end
