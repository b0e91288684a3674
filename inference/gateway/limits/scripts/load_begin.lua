-- Begin to load a counter from the ledger. KEYS: counter, its subject's index.
-- ARGV: token of the loader, after how long a loader is taken for dead (ms), the index entry, 1 to
-- load again what is there already.
-- Returns {1, now} if it is for the caller to load, {0, now} if somebody else is at it or was.
--
-- From here on requests that end are counted, so none is missed while the ledger is read; one whose
-- row was read as well is counted twice, which errs on the side of the limit.
local found = redis.call('HMGET', KEYS[1], 'u', 'r', 'loading', 'since')
if found[3] and now - tonumber(found[4]) < tonumber(ARGV[2]) then return {0, now} end
if found[1] and not found[3] and ARGV[4] ~= '1' then return {0, now} end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'u', '0', 'r', found[2] or '0', 'loading', ARGV[1], 'since', whole(now))
redis.call('PEXPIRE', KEYS[1], KEEP)
redis.call('SADD', KEYS[2], ARGV[3])
return {1, now}
