-- Counters: what was used in a window that slides, and what is reserved by requests under way.
--
-- A counter is a hash. `u`: used within the window; `r`: reserved; one field for each bucket of
-- time that something was used in; `f` and `l`: the first and last of those buckets. A bucket
-- leaves the window whole, when all of it has: a window is never shorter than it says.
-- window 0: no window (a total); -1: nothing is ever used (concurrency, which is only reserved).
-- A counter that is not there is unknown, not empty: the ledger knows what belongs into it.
-- `loading`: the ledger is being read into it; it counts already but decides nothing yet.
-- How long a counter that nothing uses is kept (ms): longer than any window, and than the longest
-- request. Concurrency is kept for as long as anybody holds it.
local KEEP = 33 * 24 * 3600 * 1000
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function whole(number) -- doubles are exact up to 2^53; tostring() would round
  return string.format('%.0f', number)
end

-- Return used, reserved, first, last; nil where the counter is unknown or being loaded.
local function state(key, window, bucket)
  local found = redis.call('HMGET', key, 'u', 'r', 'f', 'l', 'loading')
  local reserved = tonumber(found[2] or 0)
  if window == -1 then return 0, reserved end
  if not found[1] or found[5] then return nil end
  local used, first, last = tonumber(found[1]), tonumber(found[3]), tonumber(found[4])
  if window == 0 or not first then return used, reserved end
  local oldest = math.floor((now - window) / bucket)
  if first >= oldest then return used, reserved, first, last end
  local gone = {}
  for index = first, math.min(oldest - 1, last) do gone[#gone + 1] = whole(index) end
  for _, amount in ipairs(redis.call('HMGET', key, unpack(gone))) do
    used = used - tonumber(amount or 0)
  end
  redis.call('HDEL', key, unpack(gone))
  if last < oldest then
    redis.call('HDEL', key, 'f', 'l')
    redis.call('HSET', key, 'u', whole(used))
    return used, reserved
  end
  redis.call('HSET', key, 'u', whole(used), 'f', whole(oldest))
  return used, reserved, oldest, last
end

-- Count `amount` as used at the moment `at` (ms) and give `back` of what is reserved, with one read
-- and one write. Return false where the counter is unknown.
local function book(key, window, bucket, at, amount, back)
  local index = window > 0 and math.floor(at / bucket) or 0
  local found = redis.call('HMGET', key, 'u', 'r', 'f', 'l', whole(index))
  if not found[1] then return false end
  local changed, first, last = {}, tonumber(found[3] or nil), tonumber(found[4] or nil)
  local function set(field, number)
    changed[#changed + 1] = field
    changed[#changed + 1] = whole(number)
  end
  if back ~= 0 and found[2] then set('r', found[2] - back) end
  local counts = amount > 0 and (window == 0 or index >= math.floor((now - window) / bucket))
  if counts then set('u', found[1] + amount) end
  if counts and window > 0 then
    set(whole(index), (found[5] or 0) + amount)
    if not first or index < first then set('f', index) end
    if not last or index > last then set('l', index) end
  end
  if #changed > 0 then redis.call('HSET', key, unpack(changed)) end
  if counts and (window == 0 or not last or index > last) then redis.call('PEXPIRE', key, KEEP) end
  return true
end

-- Return in how many ms the whole window is free again.
local function resets(window, bucket, last)
  if not last or window <= 0 then return 0 end
  return (last + 1) * bucket + window - now
end

-- Return in how many ms `excess` of what is used has left the window; -1: never by itself.
local function frees(key, window, bucket, first, last, excess)
  if window <= 0 or not first then return -1 end
  for index = first, last do
    excess = excess - tonumber(redis.call('HGET', key, whole(index)) or 0)
    if excess <= 0 then return (index + 1) * bucket + window - now end
  end
  return -1
end

-- Return what a request reserved: counter → amount, as a flat list.
local function lease_of(id)
  return redis.call('HGETALL', 'lease:' .. id)
end

-- Give back what is reserved on one counter.
local function give_back(key, amount)
  if redis.call('HEXISTS', key, 'r') == 0 then return end
  if redis.call('HINCRBY', key, 'r', '-' .. amount) <= 0
    and redis.call('HEXISTS', key, 'u') == 0 then
    redis.call('DEL', key) -- concurrency that nobody holds
  end
end

local function end_lease(id)
  redis.call('DEL', 'lease:' .. id)
  redis.call('ZREM', 'leases', id)
end

-- A lease dies by itself when whoever holds it stops renewing, so nothing leaks for good.
local function expire_leases()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'leases', '-inf', now)) do
    local held = lease_of(id)
    for i = 1, #held, 2 do give_back(held[i], held[i + 1]) end
    end_lease(id)
  end
end
