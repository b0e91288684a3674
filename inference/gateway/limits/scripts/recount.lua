-- Set what is reserved on every counter to what live leases hold. KEYS: counters.
expire_leases()
local held = {}
for _, id in ipairs(redis.call('ZRANGE', 'leases', 0, -1)) do
  local lease = redis.call('HGETALL', 'lease:' .. id)
  for i = 1, #lease, 2 do held[lease[i]] = (held[lease[i]] or 0) + tonumber(lease[i + 1]) end
end
for _, key in ipairs(KEYS) do redis.call('HSET', key, 'r', whole(held[key] or 0)) end
return #KEYS
