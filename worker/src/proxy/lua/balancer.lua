-- Chooses the member that gets a request, and accounts for it when it is done.
--
-- Least connections, weighted, per worker; among equals the smooth weighted round robin of nginx's
-- own `least_conn`, so that weights hold under light load too, when nobody has any connections.

local balancer = require "ngx.balancer"
local members = require "slipway.members"
local traffic = require "slipway.traffic"

local get_last_failure = balancer.get_last_failure
local set_current_peer = balancer.set_current_peer
local set_more_tries = balancer.set_more_tries
local now = ngx.now
local start_time = ngx.req.start_time
local floor = math.floor
local members_of = members.of
local subject_of = traffic.subject

-- NGX_BUSY: nginx takes it for "no live upstreams" and does not try again.
local NO_MEMBER = -3

-- A body up to this size arrives with its request, or right after it. A larger one is an upload,
-- which the proxy takes in before it asks an instance: that time is the client's, not the queue's.
local UPLOAD_BYTES = 65536
-- A request that takes longer than this may be a stream, which is no latency.
local STREAM_MS = 1000
-- A front proxy's clock further off than this is not believed.
local SANE_WAIT_S = 600

local _M = {}

local front_is_trusted = false

-- Believes the `X-Request-Start` that `$slipway_front_start` passes on.
function _M.trust_front()
    front_is_trusted = true
end

-- When the request came to the installation, in seconds: as the front proxy says, in seconds,
-- milliseconds or microseconds since the epoch, or when it came here.
local function arrived_at(var)
    local arrived = start_time()
    if front_is_trusted then
        local said = tonumber(var.slipway_front_start)
        while said and said > 1e11 do
            said = said / 1000
        end
        if said and said < arrived and arrived - said < SANE_WAIT_S then
            return said
        end
    end
    return arrived
end

local function milliseconds(seconds)
    return seconds > 0 and floor(seconds * 1000 + 0.5) or 0
end

-- The least loaded of `list`, without the one of id `except`; nil when there is none.
local function least(list, except)
    local best, tied, total = nil, false, 0
    for i = 1, #list do
        local member = list[i]
        if member.subject.id ~= except then
            if not best then
                best = member
            else
                local load = member.subject.in_flight * best.weight
                local lowest = best.subject.in_flight * member.weight
                if load < lowest then
                    best, tied = member, false
                elseif load == lowest then
                    tied = true
                end
            end
        end
    end
    if not tied then
        return best
    end
    local in_flight, weight, turn = best.subject.in_flight, best.weight, nil
    for i = 1, #list do
        local member = list[i]
        if member.subject.id ~= except
            and member.subject.in_flight * weight == in_flight * member.weight
        then
            member.turn = member.turn + member.weight
            total = total + member.weight
            if not turn or member.turn > turn.turn then
                turn = member
            end
        end
    end
    turn.turn = turn.turn - total
    return turn
end

-- The member of a further attempt: another one than failed. nginx also comes back when a connection
-- it had kept idle turned out closed; that is no verdict on the member, so a lone one is asked again.
local function other_than_failed(list, instance, time)
    local failed = subject_of(instance)
    traffic.leave(failed, time)
    traffic.failed(failed)
    return least(list, failed.id) or least(list)
end

-- balancer_by_lua: runs for the first attempt and for each further one nginx allows.
function _M.pick(app)
    local list = members_of(app)
    local subject = subject_of(app)
    local var = ngx.var
    local time = now()
    local member
    if get_last_failure() then
        traffic.failed(subject)
        traffic.leave(subject, time)
        member = other_than_failed(list, var.slipway_instance, time)
        var.slipway_instance = ""
    elseif #list > 1 then
        member = least(list)
        set_more_tries(1)
    else
        member = list[1]
    end
    if not member then
        return ngx.exit(NO_MEMBER)
    end
    local ok, err = set_current_peer(member.host, member.port)
    if not ok then
        ngx.log(ngx.ERR, "cannot use member ", member.subject.id, ": ", err)
        return ngx.exit(ngx.ERROR)
    end
    var.slipway_instance = member.subject.id
    -- Setting a variable makes a string: most requests do not wait, and need none.
    local waited = milliseconds(time - arrived_at(var))
    if waited > 0 then
        var.slipway_waited = waited
    end
    traffic.enter(subject, time)
    traffic.enter(member.subject, time)
end

-- log_by_lua: the request is over, however it ended. The instance is in an nginx variable because
-- `ngx.ctx` is lost when nginx redirects to an error page; so is whether nginx answered with a file.
function _M.done(app)
    local var = ngx.var
    local subject = subject_of(app)
    local status, bytes = ngx.status, tonumber(var.bytes_sent)
    local bytes_in = tonumber(var.request_length)
    local time = now()
    local taken = milliseconds(time - start_time())
    if status == 101 or (taken > STREAM_MS and var.slipway_stream ~= "") then
        taken = nil
    end
    local instance = var.slipway_instance
    if instance == "" then
        -- A file is no request of the app's; a page of the proxy's own in its place is one.
        if var.slipway_static == "1" and status < 500 then
            return traffic.carried(subject, bytes, bytes_in)
        end
        return traffic.answered(subject, status, bytes, bytes_in, taken, nil)
    end
    local waited = nil
    if bytes_in <= UPLOAD_BYTES then
        waited = tonumber(var.slipway_waited) or 0
    end
    local member = subject_of(instance)
    traffic.leave(subject, time)
    traffic.leave(member, time)
    traffic.answered(subject, status, bytes, bytes_in, taken, waited)
    traffic.answered(member, status, bytes, bytes_in, taken, waited)
end

return _M
