-- How long requests took, and how long they waited for an instance, as counts by bucket.
--
-- The buckets are those of `slipway_core::histogram`: up to 15 ms every millisecond has its own, then
-- every power of two is cut into eight, and everything from 65,536 ms on is in the last one. A count
-- is an increment of a table entry; entries are made when a bucket is first used.
--
-- Each worker keeps its own totals and writes them whole, because one text a subject and worker is
-- far less for nginx to store and to list than one number a bucket. The dictionary holds
--
--   <pid> <subject>    <born> <latency> <queue>
--
-- where the two are `sum,bucket,count,bucket,count…` in milliseconds. `born`, in milliseconds since the
-- epoch, tells totals from those that the same worker began earlier. Totals of workers that are gone stay for a minute, so that
-- whoever reads every few seconds has seen their last word.

local dict = ngx.shared.slipway_timing
local now = ngx.now
local rshift = bit.rshift
local floor = math.floor

local OVERFLOW_MS, OVERFLOW = 65536, 112
-- What is written expires when it has not changed for this long.
local FORGET_AFTER_S = 3600
-- Totals begin anew when they have not changed for this long, well before they are forgotten: what
-- expired must not come back, since its reader would take all of it for new.
local RENEW_AFTER_S = 1800
local BEQUEATHED_FOR_S = 60

local _M = {}

local pid -- of this worker, text

local function renew(times)
    times.born = floor(now() * 1000)
    times.taken, times.taken_sum = {}, 0
    times.waited, times.waited_sum = {}, 0
    times.is_changed = false
    times.changed_at = nil
end

function _M.new(id)
    local times = { id = id }
    renew(times)
    return times
end

local function bucket_of(ms)
    if ms >= OVERFLOW_MS then
        return OVERFLOW
    end
    local shift = 0
    while ms >= 16 do
        ms = rshift(ms, 1)
        shift = shift + 1
    end
    return shift * 8 + ms
end

-- Counts whole milliseconds; nil is not counted.
function _M.record(times, taken, waited)
    if taken then
        local bucket = bucket_of(taken)
        local counts = times.taken
        counts[bucket] = (counts[bucket] or 0) + 1
        times.taken_sum = times.taken_sum + taken
        times.is_changed = true
    end
    if waited then
        local bucket = bucket_of(waited)
        local counts = times.waited
        counts[bucket] = (counts[bucket] or 0) + 1
        times.waited_sum = times.waited_sum + waited
        times.is_changed = true
    end
end

local function text_of(counts, sum)
    local parts = { sum }
    for bucket = 0, OVERFLOW do
        local count = counts[bucket]
        if count then
            parts[#parts + 1] = bucket
            parts[#parts + 1] = count
        end
    end
    return table.concat(parts, ",")
end

local function key_of(times)
    return pid .. " " .. times.id
end

-- Writes what changed.
function _M.flush(times)
    if times.is_changed then
        times.is_changed = false
        times.changed_at = now()
        local text = times.born
            .. " " .. text_of(times.taken, times.taken_sum)
            .. " " .. text_of(times.waited, times.waited_sum)
        local ok, err = dict:set(key_of(times), text, FORGET_AFTER_S)
        if not ok then
            ngx.log(ngx.ERR, "cannot store times of ", times.id, ": ", err)
        end
    elseif times.changed_at and now() - times.changed_at > RENEW_AFTER_S then
        renew(times)
    end
end

-- Whether nothing of value is lost with these totals: there is nothing that has not been read.
function _M.is_idle(times)
    return not times.is_changed
        and (not times.changed_at or now() - times.changed_at > BEQUEATHED_FOR_S)
end

-- The last word of a worker.
function _M.bequeath(times)
    if times.changed_at then
        dict:expire(key_of(times), BEQUEATHED_FOR_S)
    end
end

function _M.begin(worker_pid)
    pid = worker_pid
end

return _M
