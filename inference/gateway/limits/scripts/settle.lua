-- Turn a reservation into what was used, on every counter that is known of its subjects.
--
-- Not only on those it reserved on: a limit that came while the request ran counts it too.
-- KEYS: the subjects' indexes, sets of `resource|window|bucket|counter`. ARGV: request id, when it
-- was admitted (ms), then name and amount of each resource used.
give_back(ARGV[1])
local at, amounts = tonumber(ARGV[2]), {}
for i = 3, #ARGV, 2 do amounts[ARGV[i]] = tonumber(ARGV[i + 1]) end
for _, index in ipairs(KEYS) do
  for _, entry in ipairs(redis.call('SMEMBERS', index)) do
    local resource, window, bucket, key = string.match(entry, '^(%a+)|(%d+)|(%d+)|(.+)$')
    local amount = amounts[resource]
    if amount and amount > 0 then
      local found = redis.call('HMGET', key, 'u', 'f', 'l')
      if found[1] then
        use(key, tonumber(window), tonumber(bucket), at, amount,
          tonumber(found[2] or nil), tonumber(found[3] or nil))
      else
        redis.call('SREM', index, entry) -- it has not been asked about for long
      end
    end
  end
end
return 1
