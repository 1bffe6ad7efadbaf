-- Free an id. Answers 1, or 0 when it is not this holder's to release.
-- KEYS[1]: the id's key, which claim.lua describes
-- ARGV: holder, the time (ms; "" asks the server), whether it may have been freed by this very call ("1")
local at = tonumber(ARGV[2])
if not at then
  local time = redis.call('TIME')
  at = time[1] * 1000 + math.floor(time[2] / 1000)
end
local kept = redis.call('GET', KEYS[1])
if not kept then return ARGV[3] == '1' and 1 or 0 end
local _, holder, expires, _, done = cmsgpack.unpack(kept)
if holder ~= ARGV[1] or done or expires <= at then return 0 end
return redis.call('DEL', KEYS[1])
