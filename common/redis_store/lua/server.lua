-- Shared by the scripts that ask on which server they run, which require it.
--
-- The run id of this server, another one after each start. `known` is what the caller's connection was told when it was
-- made, if anything: a connection does not outlive its server. To ask costs as much as all else in a short script.
local function server_run_id(known)
  if known and known ~= '' then return known end
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end
