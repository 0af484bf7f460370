-- Shared by the scripts that accept updates, which require it.

-- The time of this server, as entries state it: Unix time in milliseconds.
local function acceptance_time()
  local time = redis.call('TIME')
  return string.format('%d%03d', time[1], math.floor(time[2] / 1000))
end

-- Append an update to the inbox and store its pending receipt.
local function append_update(inbox, receipt_key, accepted_at, version, pending, update, more)
  redis.call('XADD', inbox, '*', 'update', update, 'more', more, 'accepted_at', accepted_at, 'version', version)
  redis.call('SET', receipt_key, pending)
end

-- Whether a doorbell is due: it was not rung within the last `milliseconds`.
local function is_doorbell_due(doorbell, milliseconds)
  return redis.call('SET', doorbell, '1', 'NX', 'PX', milliseconds) and true or false
end

-- Whether a stored receipt is of the request with this nonce, whose reply was lost.
local function is_of_request(receipt, nonce)
  return cjson.decode(receipt).nonce == nonce
end
