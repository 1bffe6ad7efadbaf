-- When an id expires, when its lease ends (ms, as text), and whether it is done: without its answer.
-- KEYS[1]: the id's key, which claim.lua describes
local kept = redis.call('GET', KEYS[1])
if not kept then return false end
local _, _, expires, lease_ends, done = cmsgpack.unpack(kept)
return {string.format('%.0f', expires), string.format('%.0f', lease_ends), done and 1 or 0}
