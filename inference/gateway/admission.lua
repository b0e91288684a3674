-- Admit one request under every bound at once, or under none.
--
-- KEYS: one sorted set of leases for each bound; member: request id, score: when it expires (ms).
-- ARGV: request id, time to live (ms), then the bound that belongs to each key.
-- Returns {0} when admitted, else {n, used}: the n-th bound is reached and `used` leases hold it.
--
-- A lease dies by itself when whoever holds it stops renewing, so nothing leaks for good.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local ttl = tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local used = redis.call('ZCARD', key)
  if used >= tonumber(ARGV[i + 2]) then
    return {i, used}
  end
end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ttl, ARGV[1])
  redis.call('PEXPIRE', key, ttl * 2)
end
return {0}
