-- What a visitor sees when an app cannot answer.

local members = require "slipway.members"
local traffic = require "slipway.traffic"

local RETRY_AFTER_S = 2

local TEXTS = {
    [500] = { "Something went wrong", "This request could not be passed on." },
    [502] = { "No usable answer", "The application closed the connection before it answered." },
    [503] = { "Not available right now", "The application is starting or paused. Try again in a moment." },
    [504] = { "No answer in time", "The application took too long to answer." },
}

local PAGE = [[
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>%d %s</title>
<style>
body{margin:0;min-height:100vh;display:grid;place-content:center;font:16px/1.5 system-ui,sans-serif;
color:#1f2933;background:#f7f8fa;text-align:center}
h1{font-size:1.5rem;margin:0 0 .5rem}p{margin:0 1rem;color:#52606d}small{color:#9aa5b1}
</style>
<h1>%s</h1>
<p>%s</p>
<p><small>%d &middot; %s</small></p>
</html>
]]

local _M = {}

-- Whether any attempt reached a member: the connect time of one that did not is "-".
local function connected(var)
    local times = var.upstream_connect_time
    return times ~= nil and times:find("%d") ~= nil
end

-- Nobody there is 503, whatever nginx calls it: the request was not begun and may be sent again.
local function status_of(app, var, status)
    if (status == 502 or status == 504) and (#members.of(app) == 0 or not connected(var)) then
        return 503
    end
    return TEXTS[status] and status or 500
end

-- The handler of nginx's own 500, 502, 503 and 504; `found` is the status where nginx forgot it. An
-- app's own error responses do not get here.
function _M.send(app, found)
    local var = ngx.var
    local status = status_of(app, var, found or ngx.status)
    local subject = traffic.subject(app)
    traffic.dropped(subject)
    local instance = var.slipway_instance
    if instance ~= "" then
        -- The last attempt; the balancer has counted those before it.
        traffic.failed(subject)
        traffic.failed(traffic.subject(instance))
    end
    local title, text = TEXTS[status][1], TEXTS[status][2]
    local body = PAGE:format(status, title, title, text, status, var.slipway_request)
    ngx.status = status
    ngx.header["Content-Type"] = "text/html; charset=utf-8"
    ngx.header["Content-Length"] = #body
    ngx.header["Cache-Control"] = "no-store"
    if status == 503 then
        ngx.header["Retry-After"] = RETRY_AFTER_S
    end
    ngx.print(body)
end

return _M
