-- Read counters. KEYS: counters. ARGV: window and bucket (ms) of each.
-- Returns {0, now, then used, reserved, resets for each}; {-1, now, …}: these places are unknown.
expire_leases()
local unknown, answer = {}, {}
for i, key in ipairs(KEYS) do
  local window, bucket = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local used, reserved, _, last = state(key, window, bucket)
  if used then
    answer[#answer + 1] = used
    answer[#answer + 1] = reserved
    answer[#answer + 1] = resets(window, bucket, last)
  else
    unknown[#unknown + 1] = i
  end
end
if #unknown > 0 then return {-1, now, unpack(unknown)} end
return {0, now, unpack(answer)}
