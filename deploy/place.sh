# shellcheck shell=bash disable=SC2034
# Where the instance of `make up` keeps things and listens. Sourced, never run.
# `SLIPWAY_HOME`, `SLIPWAY_HTTP_PORT` and `SLIPWAY_API_PORT` choose others.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${SLIPWAY_HOME:-$repository/.slipway}
data=$home/data
http_port=${SLIPWAY_HTTP_PORT:-8080}
api_port=${SLIPWAY_API_PORT:-8081}
api_url=http://localhost:$api_port
app_url=http://shop.localhost:$http_port

server_log=$home/slipwayd.log
credentials=$home/credentials
sample=$home/sample

programs=${CARGO_TARGET_DIR:-$repository/target}/release
slipwayd=$programs/slipwayd
slipway=$programs/slipway

# Runs `slipwayd` as whoever may talk to Docker and owns the data: this user, or else root.
as_server() {
    if [ -w /var/run/docker.sock ] && { [ ! -e "$data" ] || [ -O "$data" ]; }; then
        "$@"
    else
        as_root "$@"
    fi
}

# The number of the running server, empty when there is none (or a dead one nobody has buried).
server_pid() {
    local pid status
    pid=$(as_server cat "$data/run/slipwayd.pid" 2>/dev/null) || return 0
    status=$(cat "/proc/$pid/stat" 2>/dev/null) || return 0
    case $status in
    "$pid (slipwayd) Z "*) ;;
    "$pid (slipwayd) "*) echo "$pid" ;;
    esac
}
