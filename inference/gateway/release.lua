-- Give leases back: KEYS are their sorted sets, ARGV the request id.
for _, key in ipairs(KEYS) do
  redis.call('ZREM', key, ARGV[1])
end
return #KEYS
