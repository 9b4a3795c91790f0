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
local members_of = members.of
local subject_of = traffic.subject

-- NGX_BUSY: nginx takes it for "no live upstreams" and does not try again.
local NO_MEMBER = -3

local _M = {}

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
local function other_than_failed(list, instance)
    local failed = subject_of(instance)
    traffic.leave(failed)
    traffic.failed(failed)
    return least(list, failed.id) or least(list)
end

-- balancer_by_lua: runs for the first attempt and for each further one nginx allows.
function _M.pick(app)
    local list = members_of(app)
    local subject = subject_of(app)
    local var = ngx.var
    local member
    if get_last_failure() then
        traffic.failed(subject)
        traffic.leave(subject)
        member = other_than_failed(list, var.slipway_instance)
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
    traffic.enter(subject)
    traffic.enter(member.subject)
end

-- log_by_lua: the request is over, however it ended. The instance is in an nginx variable because
-- `ngx.ctx` is lost when nginx redirects to an error page.
function _M.done(app)
    local var = ngx.var
    local subject = subject_of(app)
    local status, bytes = ngx.status, tonumber(var.bytes_sent)
    traffic.answered(subject, status, bytes)
    local instance = var.slipway_instance
    if instance ~= "" then
        local member = subject_of(instance)
        traffic.leave(subject)
        traffic.leave(member)
        traffic.answered(member, status, bytes)
    end
end

return _M
