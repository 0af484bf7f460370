-- Shared by the scripts that pass on lists of any length, which require it.
--
-- Lua unpacks about 8,000 values at most, so long lists go to Redis in parts. PART is even: pairs stay together.
local PART = 2000

local function send(command, key, values)
  for first = 1, #values, PART do
    redis.call(command, key, unpack(values, first, math.min(first + PART - 1, #values)))
  end
end

-- The values of these fields of a hash, false where there is none.
local function fetch(key, fields)
  local found = {}
  for first = 1, #fields, PART do
    local last = math.min(first + PART - 1, #fields)
    local some = redis.call('HMGET', key, unpack(fields, first, last))
    for i = first, last do found[i] = some[i - first + 1] end
  end
  return found
end
