-- requires: server
-- Remember what is told of players, each unless a later version of it is there: whoever has read it before a change
-- may write it after that.
-- KEYS: the details of the players. ARGV: for how many seconds, then per player: version, username, displayName,
-- country, avatar, visibility.
local run_id = server_run_id()
for i, key in ipairs(KEYS) do
  local at = 6 * i - 4
  local known = redis.call('HGET', key, 'version')
  if not known or tonumber(known) <= tonumber(ARGV[at]) then
    redis.call('HSET', key, 'version', ARGV[at], 'username', ARGV[at + 1], 'displayName', ARGV[at + 2],
      'country', ARGV[at + 3], 'avatar', ARGV[at + 4], 'visibility', ARGV[at + 5], 'run_id', run_id)
    redis.call('EXPIRE', key, ARGV[1])
  end
end
