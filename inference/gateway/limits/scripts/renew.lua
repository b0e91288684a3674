-- Renew leases. ARGV: time to live (ms), then for each lease its id, how many counters it holds,
-- and counter and amount of each. A lease that has gone, with a server that lost its memory, say,
-- is taken again: the request still runs, and will use what it reserved.
local ttl, i = tonumber(ARGV[1]), 2
while i <= #ARGV do
  local id, count = ARGV[i], tonumber(ARGV[i + 1])
  local lease = 'lease:' .. id
  if redis.call('EXISTS', lease) == 0 then
    for j = i + 2, i + 2 * count, 2 do
      redis.call('HINCRBY', ARGV[j], 'r', ARGV[j + 1])
      redis.call('HSET', lease, ARGV[j], ARGV[j + 1])
    end
  end
  if count > 0 then redis.call('ZADD', 'leases', now + ttl, id) end
  i = i + 2 + 2 * count
end
return 1
