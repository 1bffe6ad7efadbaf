-- Claim one id. Answers the outcome, and for "done" the answer that was kept.
-- KEYS[1]: the id's key
-- ARGV: fingerprint, holder, ttl (ms), lease (ms), whether it may be done again ("1"), the time (ms; "" asks the server)
-- A key holds: fingerprint, holder, expires (ms), lease_ends (ms), and when it is done: true, status, headers, body.
-- Each write is one SET, which a server without memory refuses as a whole.
local at = tonumber(ARGV[6])
if not at then
  local time = redis.call('TIME')
  at = time[1] * 1000 + math.floor(time[2] / 1000)
end
local expires, lease_ends = at + ARGV[3], at + ARGV[4]
if redis.call('SET', KEYS[1], cmsgpack.pack(ARGV[1], ARGV[2], expires, lease_ends), 'NX', 'PX', ARGV[3]) then return {'fresh'} end
local fingerprint, holder, its_end, its_lease, done, status, headers, body = cmsgpack.unpack(redis.call('GET', KEYS[1]))
if its_end > at then
  if fingerprint ~= ARGV[1] then return {'mismatch'} end
  if done then return {'done', status or false, headers or false, body or false} end
  if holder == ARGV[2] then return {'fresh'} end -- the same claim, sent once more
  if at < its_lease then return {'in-flight'} end
  if ARGV[5] ~= '1' then return {'unknown'} end
  expires = math.max(expires, its_end)
end
-- "%.0f", since Lua would write 1.8e+12.
redis.call('SET', KEYS[1], cmsgpack.pack(ARGV[1], ARGV[2], expires, lease_ends), 'PX', string.format('%.0f', expires - at))
return {'fresh'}
