-- Shared by the scripts that count a request against rate limits, which require it.
--
-- The windows are those of the library `limits`, on its keys and with its arithmetic (its scripts
-- acquire_sliding_window.lua and acquire_moving_window.lua), but looking and counting are two steps here: a script
-- looks at every limit before it counts against any.

-- A count and its TTL, which is -2 where there is none, as PTTL says it.
local function count_with_ttl(key)
  local count = redis.call('GET', key)
  if not count then return 0, -2 end
  return tonumber(count), redis.call('PTTL', key)
end

-- The state of a sliding window counter now: whether it has slid, the count of the window before this one, its TTL, the
-- count of this one, and its TTL. `expiry` is in milliseconds.
local function sliding_window(previous, current, expiry)
  local count, ttl = count_with_ttl(current)
  if ttl > 0 and ttl < expiry then return true, count, ttl, 0, ttl + expiry end
  local before, before_ttl = count_with_ttl(previous)
  return false, before, before_ttl, count, ttl
end

-- The state of a sliding window counter, if one more request is within its limit; else nil.
local function room_in_sliding(previous, current, limit, expiry)
  local has_slid, before, before_ttl, count, ttl = sliding_window(previous, current, expiry)
  if math.floor(before * math.max(before_ttl, 0) / expiry) + count + 1 > limit then return nil end
  return {has_slid = has_slid, count = count, ttl = ttl}
end

-- Count one request in a sliding window counter, whose state was looked at in the same script.
local function count_sliding(state, previous, current, expiry)
  if state.has_slid then
    redis.call('RENAME', current, previous)
    redis.call('SET', current, 1, 'PX', state.ttl)
  elseif state.ttl > 0 or state.count > 0 then
    redis.call('INCR', current)
  else
    redis.call('SET', current, 1, 'PX', expiry * 2)
  end
end

-- Whether one more request at `now` (Unix seconds) is within the limit of a moving window of `expiry` seconds.
local function is_within_moving_limit(window, limit, expiry, now)
  local oldest = redis.call('LINDEX', window, limit - 1)
  return not oldest or tonumber(oldest) < tonumber(now) - expiry
end

-- Count one request at `now` in a moving window.
local function count_moving(window, limit, expiry, now)
  if redis.call('LPUSH', window, now) > limit then redis.call('LTRIM', window, 0, limit - 1) end
  redis.call('EXPIRE', window, expiry)
end
