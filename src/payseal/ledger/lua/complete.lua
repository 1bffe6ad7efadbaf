-- Mark a claim as done. Answers 1, or 0 when it is not this holder's to complete.
-- KEYS[1]: the id's key, which claim.lua describes
-- ARGV: holder, ttl (ms), the time (ms; "" asks the server), whether it may have been done by this very call ("1"),
--       and where an answer is kept: status, headers, body
local at = tonumber(ARGV[3])
if not at then
  local time = redis.call('TIME')
  at = time[1] * 1000 + math.floor(time[2] / 1000)
end
local kept = redis.call('GET', KEYS[1])
if not kept then return 0 end
local fingerprint, holder, expires, lease_ends, done = cmsgpack.unpack(kept)
if holder ~= ARGV[1] or expires <= at then return 0 end
if done then return ARGV[4] == '1' and 1 or 0 end
expires = math.max(expires, at + ARGV[2])
local new = cmsgpack.pack(fingerprint, holder, expires, lease_ends, true)
if ARGV[5] then new = new .. cmsgpack.pack(ARGV[5], ARGV[6], ARGV[7]) end
redis.call('SET', KEYS[1], new, 'PX', string.format('%.0f', expires - at))
return 1
