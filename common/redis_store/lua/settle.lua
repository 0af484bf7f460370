-- Settle entries of the inbox: store their receipts, answer the requests that wait, tell the viewers, and remove the
-- entries. Safe to run twice. Receipts come first: a server that refuses writes refuses the first of them.
-- KEYS: the stream, then the receipts. ARGV: group, seconds for which a receipt is kept, number of messages, then
-- channel and message for each, then the receipts, then the entries' ids.
local messages, receipts = tonumber(ARGV[3]), #KEYS - 1
local first = 3 + 2 * messages
for i = 1, receipts do redis.call('SET', KEYS[i + 1], ARGV[first + i], 'EX', ARGV[2]) end
for i = 4, first, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end
-- Lua unpacks about 8,000 values at most.
for from = first + receipts + 1, #ARGV, 2000 do
  local to = math.min(from + 1999, #ARGV)
  redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, from, to))
  redis.call('XDEL', KEYS[1], unpack(ARGV, from, to))
end
