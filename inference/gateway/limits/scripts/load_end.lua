-- Add what the ledger says to a counter that is being loaded. KEYS: counter.
-- ARGV: token of the loader, window (ms), bucket (ms), then moment (ms) and amount of each bucket.
-- Returns 1, or 0 if another loader has taken over.
if redis.call('HGET', KEYS[1], 'loading') ~= ARGV[1] then return 0 end
for i = 4, #ARGV, 2 do
  book(KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[i]), tonumber(ARGV[i + 1]), 0)
end
redis.call('HDEL', KEYS[1], 'loading', 'since')
return 1
