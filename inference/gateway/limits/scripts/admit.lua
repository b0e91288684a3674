-- Reserve what a request may use on every counter at once, or on none.
--
-- KEYS: counters. ARGV: request id, lease's time to live (ms), then four for each counter: window
-- (ms), bucket (ms), limit, wanted.
-- Returns {outcome, now, retry, then used, reserved, resets for each counter}. outcome 0: admitted;
-- n: the n-th limit refuses, `retry` says in how many ms it would not (-1: unknown);
-- {-1, now, …}: the counters at these places are unknown.
local id, ttl = ARGV[1], tonumber(ARGV[2])
expire_leases()
local unknown, answer, refused, retry = {}, {}, 0, 0
for i, key in ipairs(KEYS) do
  local at = 4 * i - 1
  local window, bucket = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local limit, wanted = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local used, reserved, first, last = state(key, window, bucket)
  if not used then
    unknown[#unknown + 1] = i
  else
    if refused == 0 and used + reserved + wanted > limit then
      refused = i
      -- What is reserved may come back any moment; what is used leaves with its bucket.
      local excess = used + wanted - limit
      retry = excess <= 0 and -1 or frees(key, window, bucket, first, last, excess)
    end
    answer[#answer + 1] = used
    answer[#answer + 1] = reserved
    answer[#answer + 1] = resets(window, bucket, last)
  end
end
if #unknown > 0 then return {-1, now, unpack(unknown)} end
if refused == 0 and #KEYS > 0 then
  local held = {}
  for i, key in ipairs(KEYS) do
    local wanted = ARGV[4 * i + 2]
    if wanted ~= '0' then
      redis.call('HINCRBY', key, 'r', wanted)
      held[#held + 1] = key
      held[#held + 1] = wanted
    end
  end
  if #held > 0 then redis.call('HSET', 'lease:' .. id, unpack(held)) end
  redis.call('ZADD', 'leases', now + ttl, id)
end
return {refused, now, retry, unpack(answer)}
