-- Turn a reservation into what was used, on every counter that is known of its subjects.
--
-- Not only on those it reserved on: a limit that came while the request ran counts it too.
-- KEYS: the subjects' indexes, sets of `resource|window|bucket|counter`. ARGV: request id, 1 if
-- this was tried before, when it was admitted (ms), then name and amount of each resource used.
-- What was tried before and holds nothing any more was settled then: only the answer was lost.
if not give_back(ARGV[1]) and ARGV[2] == '1' then return 0 end
local at, amounts = tonumber(ARGV[3]), {}
for i = 4, #ARGV, 2 do amounts[ARGV[i]] = tonumber(ARGV[i + 1]) end
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
