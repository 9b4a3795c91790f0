#!/usr/bin/env bash
# Installs what Slipway needs and this machine lacks, and starts the Docker daemon if none answers.
# Safe to repeat: with everything in place it changes nothing and takes well under a second.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/say.sh
. "$here/say.sh"

docker_socket=/var/run/docker.sock
docker_log=/var/log/slipway-dockerd.log
state=${SLIPWAY_HOME:-$here/../.slipway}
policy=/usr/sbin/policy-rc.d

has() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]; }
# In a subshell, so that a missing right to become root reads as "no answer".
docker_answers() {
    local ask=(curl --silent --fail --max-time 5 --unix-socket "$docker_socket" http://docker/_ping)
    (if [ -w "$docker_socket" ]; then "${ask[@]}"; else as_root "${ask[@]}"; fi) >/dev/null 2>&1
}
has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
has_lua_module() { compgen -G '/usr/lib/nginx/modules/ngx_http_lua_module.so' >/dev/null; }
has_system_manager() { [ -d /run/systemd/system ]; }
has_certificates() { [ -s /etc/ssl/certs/ca-certificates.crt ]; }
has_c_headers() { [ -e /usr/include/stdio.h ]; }

# What is missing, one package a line.
missing_packages() {
    has curl || echo curl
    has git || echo git
    has_certificates || echo ca-certificates
    { has cc && has_c_headers; } || printf '%s\n' gcc libc6-dev
    has nginx || echo nginx
    has_lua_module || echo libnginx-mod-http-lua
    has mmdebstrap || echo mmdebstrap
    # A daemon from elsewhere (Docker's own packages, another host's socket) is as good.
    has dockerd || [ -S "$docker_socket" ] || echo docker.io
    # For the tests: a second database, a browser, a tiny program for containers, a reader of metrics,
    # and what the build of a Django app runs.
    has_postgres || echo postgresql
    has chromium || echo chromium
    has npm || printf '%s\n' nodejs npm
    { has prometheus && has promtool; } || echo prometheus
    has busybox || echo busybox-static
    has python3 || echo python3
}

# Debian starts a service right after it is installed: nginx on port 80, PostgreSQL on 5432, Prometheus
# on 9090. None is wanted, Slipway runs its own nginx on its own port. A policy that is there is kept.
install_packages() {
    has apt-get || fail "this machine lacks: $*" "install them with its package manager, then repeat"
    say "Installing $*"
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        trap 'as_root rm -f "$policy"' EXIT
    fi
    local apt=(as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0
        -o DPkg::Lock::Timeout=300 -y)
    "${apt[@]}" update 2>&1 | sed 's/^/       /' ||
        fail "the list of packages cannot be fetched" "check this machine's network and /etc/apt/sources.list"
    # Newer Debians ship the daemon's command line apart.
    if ! has docker && apt-cache show docker-cli >/dev/null 2>&1; then set -- "$@" docker-cli; fi
    "${apt[@]}" install --no-install-recommends "$@" 2>&1 | sed 's/^/       /' ||
        fail "the packages cannot be installed: $*" "the lines above say why; repeat when it is solved"
    if has_system_manager; then
        for service in nginx postgresql prometheus; do
            case " $* " in *" $service "*) as_root systemctl disable --quiet "$service" || true ;; esac
        done
    fi
}

# Before the given second it may not have begun yet.
docker_answers_or_ended() {
    docker_answers || { [ "$SECONDS" -ge "$1" ] && ! has_process dockerd; }
}

start_docker() {
    if has_system_manager && systemctl cat docker.service >/dev/null 2>&1; then
        say "Starting the Docker daemon (systemd)"
        as_root systemctl start docker.service && wait_until 60 docker_answers ||
            fail "the Docker daemon does not start" "read \`journalctl --unit docker\`"
        return
    fi
    say "Starting the Docker daemon (detached, log: $docker_log)"
    # Its own session: it must outlive this script and the terminal.
    as_root setsid sh -c "exec dockerd >>$docker_log 2>&1 </dev/null" </dev/null >/dev/null 2>&1 &
    mkdir -p "$state"
    touch "$state/started-dockerd"
    if wait_until 60 docker_answers_or_ended "$((SECONDS + 3))" && docker_answers; then return; fi
    as_root tail -n 5 "$docker_log" 2>/dev/null | sed 's/^/       /' >&2 || true
    fail "the Docker daemon does not answer" "the lines above, or $docker_log, say why"
}

require_cargo() {
    if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
        fail "cargo is installed but not on the PATH" "run \`. ~/.cargo/env\`, then repeat"
    fi
    command -v cargo >/dev/null ||
        fail "Rust is not installed" "install Rust 1.95 or newer as https://rustup.rs says, then repeat"
}

require_cargo
mapfile -t packages < <(missing_packages)
[ "${#packages[@]}" -eq 0 ] || install_packages "${packages[@]}"
docker_answers || start_docker
say "Everything is installed, and the Docker daemon answers"
