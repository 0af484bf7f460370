-- Shared by the scripts that tell where a player stands, which require it.
--
-- Score, info and rank from 0 of a player on a board that is served; each is false for one who is not ranked.
local function place_of(scores, members, user, ascending)
  local info = redis.call('HGET', members, user)
  if not info then return false, false, false end
  local member = string.match(info, ':(%d+):') .. ':' .. user
  return redis.call('ZSCORE', scores, member), info, redis.call(ascending and 'ZRANK' or 'ZREVRANK', scores, member)
end
