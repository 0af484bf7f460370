-- requires: order, chunks, write, server, serving, show, settling
-- Show a small batch on its boards and settle its entries, in one step and one write to the disk. Safe to run twice.
-- KEYS: the stream, then scores, members and meta of each board, then the receipts. ARGV: committed at (ms), number of
-- boards, then of each whether ranks are wanted (1 or 0), the number of its rows and the rows as `write` reads them; then
-- what `settle` reads.
-- Receipts and messages are told numbers that are known only here: \1N\1 stands for the N-th of the seq of the first
-- board, the ranks of its rows if they are wanted, before and after (null: unranked), the seq of the second board, …
-- Returns 1, or 0 if one of the boards is not served: then nothing was done.
local boards, run_id = tonumber(ARGV[2]), server_run_id()
local states = {}
for board = 1, boards do
  local key = 3 * board - 1
  states[board] = serving(KEYS[key], KEYS[key + 1], KEYS[key + 2], run_id)
  if not states[board] then return 0 end
end

local numbers, count, first = {}, 0, 3
for board = 1, boards do
  local key, last = 3 * board - 1, first + 1 + 6 * tonumber(ARGV[first + 1])
  local wanted = ARGV[first] == '1'
  local seq, ranks = show(KEYS[key], KEYS[key + 1], KEYS[key + 2], states[board], ARGV[1], first + 2, last, wanted)
  count = count + 1
  numbers[tostring(count)] = string.format('%.0f', seq)
  for i = 1, #ranks do
    count = count + 1
    numbers[tostring(count)] = ranks[i] < 0 and 'null' or string.format('%.0f', ranks[i] + 1)
  end
  first = last + 1
end

settle(KEYS[1], 3 * boards + 2, first, function(text) return (string.gsub(text, '\1(%d+)\1', numbers)) end)
return 1
