-- Turn a reservation into what was used, on every counter that is known of its subjects.
--
-- Not only on those it reserved on: a limit that came while the request ran counts it too.
-- KEYS: the subjects' indexes, sets of `resource|window|bucket|counter`. ARGV: request id, 1 if
-- this was tried before, when it was admitted (ms), then name and amount of each resource used.
-- What was tried before and holds nothing any more was settled then: only the answer was lost.
local lease, held = lease_of(ARGV[1]), {}
if #lease == 0 and ARGV[2] == '1' then return 0 end
for i = 1, #lease, 2 do held[lease[i]] = lease[i + 1] end
local at, amounts = tonumber(ARGV[3]), {}
for i = 4, #ARGV, 2 do amounts[ARGV[i]] = tonumber(ARGV[i + 1]) end
for _, index in ipairs(KEYS) do
  for _, entry in ipairs(redis.call('SMEMBERS', index)) do
    local resource, window, bucket, key = string.match(entry, '^(%a+)|(%d+)|(%d+)|(.+)$')
    local amount, back = amounts[resource] or 0, tonumber(held[key] or 0)
    if amount > 0 or back > 0 then
      if book(key, tonumber(window), tonumber(bucket), at, amount, back) then
        held[key] = nil
      else
        redis.call('SREM', index, entry) -- it has not been asked about for long
      end
    end
  end
end
for key, amount in pairs(held) do give_back(key, amount) end
end_lease(ARGV[1])
return 1
