-- Shared by the scripts that settle entries of the inbox, which require it.
--
-- Store their receipts, answer the requests that wait, tell the viewers, and remove the entries. Safe to run twice.
-- Receipts come first: a server that refuses writes refuses the first of them. `fill` returns a text as it is to be
-- told. KEYS from `receipt` on are the receipts. ARGV from `first` on: group, seconds for which a receipt is kept, number
-- of messages, channel and message for each, then the receipts, then the entries' ids.
local function settle(inbox, receipt, first, fill)
  local group, seconds = ARGV[first], ARGV[first + 1]
  local channel = first + 3
  local text = channel + 2 * tonumber(ARGV[first + 2])
  local id = text + #KEYS - receipt + 1
  for i = receipt, #KEYS do redis.call('SET', KEYS[i], fill(ARGV[text + i - receipt]), 'EX', seconds) end
  for i = channel, text - 1, 2 do redis.call('PUBLISH', ARGV[i], fill(ARGV[i + 1])) end
  -- Lua unpacks about 8,000 values at most.
  for from = id, #ARGV, 2000 do
    local to = math.min(from + 1999, #ARGV)
    redis.call('XACK', inbox, group, unpack(ARGV, from, to))
    redis.call('XDEL', inbox, unpack(ARGV, from, to))
  end
end
