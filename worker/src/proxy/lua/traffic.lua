-- What went through this worker: responses by class, failures, bytes, requests in flight, and how
-- long they took.
--
-- Everything is counted in tables of this worker and carried over to the shared dictionary by a
-- timer, because a shared increment per request costs a tenth of the throughput. The dictionary holds
--
--   n <subject> <field>    a counter of all workers together, only ever growing
--   f <pid> <subject>      requests in flight in one worker, absent for 0
--   w <pid>                the generation of members up to which that worker's `f` are complete,
--                          or "always" for a leaving worker, which writes through
--
-- A subject is an app or an instance. In-flight numbers are kept by worker because a worker that is
-- killed cannot take its own back: the reader ignores those of processes that are gone.
--
-- Times are counted in `timing.lua`.

local timing = require "slipway.timing"

local dict = ngx.shared.slipway_traffic
local pairs = pairs
local now = ngx.now
local floor = math.floor

local FIELDS = { "1xx", "2xx", "3xx", "4xx", "5xx", "failures", "dropped", "bytes", "bytes_in", "busy_ms" }
local FAILURES, DROPPED, BYTES, BYTES_IN, BUSY = 6, 7, 8, 9, 10
-- A subject that had no traffic for this long is forgotten, so that instances of the past do not
-- fill the dictionary. Readers see a counter that starts again at 0.
local FORGET_AFTER_S = 3600

local _M = {}

local subjects = {} -- id -> subject
local pid -- of this worker, text
local leaving = false -- timers no longer run

function _M.subject(id)
    local subject = subjects[id]
    if not subject then
        subject = { id = id, in_flight = 0, published = 0, since = now(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
        subject.times = timing.new(id)
        subjects[id] = subject
    end
    return subject
end

local function publish_in_flight(subject)
    local in_flight = subject.in_flight
    if in_flight == subject.published then
        return
    end
    subject.published = in_flight
    local key = "f " .. pid .. " " .. subject.id
    if in_flight > 0 then
        dict:set(key, in_flight)
    else
        dict:delete(key)
    end
end

-- Adds up the time of requests under way, all of them, so that their mean number is exact however
-- seldom it is asked for.
local function account(subject, time)
    local since = subject.since
    if time > since and subject.in_flight > 0 then
        subject[BUSY] = subject[BUSY] + subject.in_flight * (time - since) * 1000
    end
    subject.since = time
end

local function flush_counters(subject)
    account(subject, now())
    for i = 1, #FIELDS do
        local pending = floor(subject[i])
        if pending > 0 then
            subject[i] = subject[i] - pending
            local key = "n " .. subject.id .. " " .. FIELDS[i]
            dict:incr(key, pending, 0)
            dict:expire(key, FORGET_AFTER_S)
        end
    end
end

-- A request goes to, or is done with, a subject, at the time of `ngx.now`.
function _M.enter(subject, time)
    account(subject, time)
    subject.in_flight = subject.in_flight + 1
    if leaving then
        publish_in_flight(subject)
    end
end

function _M.leave(subject, time)
    account(subject, time)
    subject.in_flight = subject.in_flight - 1
    if leaving then
        publish_in_flight(subject)
    end
end

-- An attempt to get an answer from a member failed: no connection, a reset, a timeout.
function _M.failed(subject)
    subject[FAILURES] = subject[FAILURES] + 1
end

-- A request got an error page of the proxy's own instead of an answer of the app.
function _M.dropped(subject)
    subject[DROPPED] = subject[DROPPED] + 1
end

-- Bytes went each way, for a request that is none of the subject's.
function _M.carried(subject, bytes, bytes_in)
    subject[BYTES] = subject[BYTES] + bytes
    subject[BYTES_IN] = subject[BYTES_IN] + bytes_in
    if leaving then
        flush_counters(subject)
    end
end

-- A response was given: `taken` and `waited` are milliseconds, or nil where there is no such time.
function _M.answered(subject, status, bytes, bytes_in, taken, waited)
    local class = (status - status % 100) / 100
    if class >= 1 and class <= 5 then
        subject[class] = subject[class] + 1
    end
    timing.record(subject.times, taken, waited)
    _M.carried(subject, bytes, bytes_in)
    if leaving then
        timing.flush(subject.times)
    end
end

-- Everything this worker knows, in the shared dictionary. `generation` is what it has adopted.
function _M.publish(generation)
    for _, subject in pairs(subjects) do
        publish_in_flight(subject)
    end
    dict:set("w " .. pid, generation)
end

-- Only what fell to 0: somebody may wait for just that.
function _M.publish_zeros()
    for _, subject in pairs(subjects) do
        if subject.in_flight == 0 then
            publish_in_flight(subject)
        end
    end
end

function _M.flush()
    for _, subject in pairs(subjects) do
        flush_counters(subject)
        timing.flush(subject.times)
    end
end

local function idle(subject)
    for i = 1, #FIELDS do
        if subject[i] >= 1 then
            return false
        end
    end
    return subject.in_flight == 0 and subject.published == 0 and timing.is_idle(subject.times)
end

-- Drops subjects nothing is known about. Only for callers that hold no subject themselves.
function _M.forget_idle()
    for id, subject in pairs(subjects) do
        if idle(subject) then
            subjects[id] = nil
        end
    end
end

-- This worker finishes its requests and ends; from here on every change is written through.
function _M.depart()
    leaving = true
    _M.flush()
    _M.publish("always")
end

function _M.begin(worker_pid)
    pid = tostring(worker_pid)
    timing.begin(pid)
end

-- The last word of a worker: its own entries go with it.
function _M.finish()
    _M.flush()
    for _, subject in pairs(subjects) do
        subject.in_flight = 0
        publish_in_flight(subject)
        timing.bequeath(subject.times)
    end
    dict:delete("w " .. pid)
end

return _M
