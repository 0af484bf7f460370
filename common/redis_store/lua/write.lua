-- requires: order, chunks
-- Shared by the scripts that write rows: loaded before each of them.
--
-- Write absolute rows to a board, or to one under construction. A row enters only with a greater version, so this is
-- safe to run twice and in any order. A hidden row takes its player off; its version stays in `meta` under
-- `hidden:{userId}`, so that no older row brings them back.
-- Reads from ARGV, from `first` to `last`, six values per row: user id, score, tie, version, updated at (ms), 1 if hidden.
-- `second` is as in `order`; on a board that has one, the tie of a row is `<second score>:<tie>` or, for 0, the tie alone.
-- Returns whether anything that is shown changed and, if they are wanted, two ranks per row, before and after: they
-- count from 0, and -1 stands for unranked.
local function write(scores, members, meta, ascending, first, last, wanted, second)
  -- Locals, because this runs for every row of every batch, and each global costs a look-up.
  local ARGV, call, match, tonumber = ARGV, redis.call, string.match, tonumber
  local rank_command = ascending and 'ZRANK' or 'ZREVRANK'
  local users = {}
  for at = first, last, 6 do users[#users + 1] = ARGV[at] end
  local known = fetch(members, users)

  -- Who is on the board has no hidden version.
  local absent, hidden_at = {}, {}
  for i = 1, #users do
    if not known[i] then absent[#absent + 1] = 'hidden:' .. users[i] end
  end
  local versions, found = fetch(meta, absent), 0
  for i = 1, #users do
    if not known[i] then
      found = found + 1
      hidden_at[i] = versions[found]
    end
  end

  local before, members_now = {}, {}
  local gone, left, scored, stored, hides, shows = {}, {}, {}, {}, {}, {}
  local at = first
  for i = 1, #users do
    local user, tie = users[i], place_rank(ARGV[at + 2], ascending, second)
    local version, hidden = ARGV[at + 3], ARGV[at + 5] == '1'
    local old_version, old_tie, old_member
    if known[i] then
      old_version, old_tie = match(known[i], '^(%d+):(%d+):')
      old_member = old_tie .. ':' .. user
      if wanted then before[i] = call(rank_command, scores, old_member) end
    end
    members_now[i] = old_member
    if tonumber(version) > tonumber(old_version or hidden_at[i] or 0) then
      if old_tie and (hidden or old_tie ~= tie) then gone[#gone + 1] = old_member end
      if hidden then
        if old_tie then left[#left + 1] = user end
        hides[#hides + 1] = 'hidden:' .. user
        hides[#hides + 1] = version
        members_now[i] = nil
      else
        local member = tie .. ':' .. user
        scored[#scored + 1] = ARGV[at + 1]
        scored[#scored + 1] = member
        stored[#stored + 1] = user
        stored[#stored + 1] = version .. ':' .. tie .. ':' .. ARGV[at + 4]
        if hidden_at[i] then shows[#shows + 1] = 'hidden:' .. user end
        members_now[i] = member
      end
    end
    at = at + 6
  end

  send('ZREM', scores, gone)
  send('HDEL', members, left)
  send('HSET', meta, hides)
  send('HDEL', meta, shows)
  send('ZADD', scores, scored)
  send('HSET', members, stored)

  local ranks = {}
  if wanted then
    for i = 1, #users do
      ranks[2 * i - 1] = before[i] or -1
      ranks[2 * i] = members_now[i] and call(rank_command, scores, members_now[i]) or -1
    end
  end
  return #scored > 0 or #left > 0, ranks
end
