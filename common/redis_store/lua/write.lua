-- requires: order, chunks
-- Shared by the scripts that write rows: loaded before each of them.
--
-- Write absolute rows to a board, or to one under construction. A row enters only with a greater version, so this is
-- safe to run twice and in any order. A hidden row takes its player off; its version stays in `meta` under
-- `hidden:{userId}`, so that no older row brings them back.
-- Reads from ARGV, beginning at `first`, six values per row: user id, score, tie, version, updated at (ms), 1 if hidden.
-- `second` is as in `order`; on a board that has one, the tie of a row is `<second score>:<tie>` or, for 0, the tie alone.
-- Returns whether anything that is shown changed and, if they are wanted, two ranks per row, before and after: they
-- count from 0, and -1 stands for unranked.
local function write(scores, members, meta, ascending, first, wanted, second)
  local users, hidden_of = {}, {}
  for at = first, #ARGV, 6 do
    users[#users + 1] = ARGV[at]
    hidden_of[#hidden_of + 1] = 'hidden:' .. ARGV[at]
  end
  local known, hidden_at = fetch(members, users), fetch(meta, hidden_of)

  local function rank(user, tie)
    return tie and redis.call(ascending and 'ZRANK' or 'ZREVRANK', scores, tie .. ':' .. user) or -1
  end

  local before, now_at = {}, {}
  local gone, left, scored, stored, hides, shows = {}, {}, {}, {}, {}, {}
  for i, user in ipairs(users) do
    local at = first + 6 * (i - 1)
    local score, tie = ARGV[at + 1], place_rank(ARGV[at + 2], ascending, second)
    local version, updated, hidden = ARGV[at + 3], ARGV[at + 4], ARGV[at + 5] == '1'
    local old_version, old_tie
    if known[i] then old_version, old_tie = string.match(known[i], '^(%d+):(%d+):') end
    if wanted then before[i] = rank(user, old_tie) end
    now_at[i] = old_tie
    if tonumber(version) > tonumber(old_version or hidden_at[i] or 0) then
      if old_tie and (hidden or old_tie ~= tie) then gone[#gone + 1] = old_tie .. ':' .. user end
      if hidden then
        if old_tie then left[#left + 1] = user end
        hides[#hides + 1] = hidden_of[i]
        hides[#hides + 1] = version
        now_at[i] = nil
      else
        scored[#scored + 1] = score
        scored[#scored + 1] = tie .. ':' .. user
        stored[#stored + 1] = user
        stored[#stored + 1] = version .. ':' .. tie .. ':' .. updated
        if hidden_at[i] then shows[#shows + 1] = hidden_of[i] end
        now_at[i] = tie
      end
    end
  end

  send('ZREM', scores, gone)
  send('HDEL', members, left)
  send('HSET', meta, hides)
  send('HDEL', meta, shows)
  send('ZADD', scores, scored)
  send('HSET', members, stored)

  local ranks = {}
  if wanted then
    for i, user in ipairs(users) do
      ranks[2 * i - 1] = before[i]
      ranks[2 * i] = rank(user, now_at[i])
    end
  end
  return #scored > 0 or #left > 0, ranks
end
