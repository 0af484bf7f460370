-- Shared by the scripts that write or compare members, which require it.
--
-- The digits that begin a member. A sorted set orders equal scores by member, so they sort by who came first: the
-- ledger id itself where the lowest score leads, its complement where the highest does.
local GREATEST_TIE = 999999999999999
local function tie_rank(tie, ascending)
  return string.format('%015.0f', ascending and tonumber(tie) or GREATEST_TIE - tonumber(tie))
end

-- The same with the second score before it, on a board that has one: `second` says whether its lowest ('1') or its
-- highest ('0') leads, nil that there is none. A place is a ledger id, or `<second score>:<ledger id>`.
local GREATEST_SECOND = 1000000000000000
local function place_rank(place, ascending, second)
  if not second then return tie_rank(place, ascending) end
  local score, tie = string.match(place, '^(-?%d+):(%d+)$')
  score = tonumber(score or 0)
  if ascending ~= (second == '1') then score = -score end
  return string.format('%016.0f', GREATEST_SECOND + score) .. tie_rank(tie or place, ascending)
end
