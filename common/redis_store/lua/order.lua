-- Shared by the scripts that write or compare members, which require it.
--
-- The digits that begin a member. A sorted set orders equal scores by member, so they sort by who came first: the
-- ledger id itself where the lowest score leads, its complement where the highest does.
local GREATEST_TIE = 999999999999999
local function tie_rank(tie, ascending)
  return string.format('%015.0f', ascending and tonumber(tie) or GREATEST_TIE - tonumber(tie))
end
