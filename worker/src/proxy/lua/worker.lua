-- The life of one nginx worker: what runs when it starts, ten times a second, and when it ends.

local members = require "slipway.members"
local traffic = require "slipway.traffic"

local TICK_S = 0.1
local TICKS_PER_PUBLICATION = 10

local _M = {}

local ticks = 0
local published = -1 -- the generation of the last complete publication

local function publish()
    published = members.adopt()
    traffic.flush()
    traffic.publish(published)
end

local function tick(premature)
    if premature then
        return traffic.depart()
    end
    ticks = ticks + 1
    if ticks % TICKS_PER_PUBLICATION == 0 or members.adopt() ~= published then
        -- After a change of members somebody waits to see what is still in flight.
        publish()
    else
        traffic.publish_zeros()
    end
end

function _M.start()
    traffic.begin(ngx.worker.pid())
    publish()
    local ok, err = ngx.timer.every(TICK_S, tick)
    if not ok then
        ngx.log(ngx.ERR, "no timer, so no traffic numbers: ", err)
    end
end

function _M.stop()
    traffic.finish()
end

return _M
