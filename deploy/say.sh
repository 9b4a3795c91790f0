# shellcheck shell=bash
# How the scripts of this folder talk, fail and become root. Sourced, never run.

# A step: `-----> installing nginx`.
say() { printf -- '-----> %s\n' "$*"; }

# A detail of the step above it.
detail() { printf '       %s\n' "$*"; }

# Ends the script: what went wrong, then one line for each thing to do about it.
fail() {
    printf ' !     %s\n' "$1" >&2
    shift
    for hint in "$@"; do printf '       hint: %s\n' "$hint" >&2; done
    exit 1
}

# Runs a command as root. Asks for a password only where somebody can type one.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif ! command -v sudo >/dev/null; then
        fail "this needs root: $*" "run it again as root, or install sudo"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@" || fail "this needs root, and sudo wants a password: $*" "run it again as root"
    fi
}

# wait_until SECONDS COMMAND…: true as soon as the command succeeds, false when the time is up.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

# has_process WORD…: whether the command line of some process begins with these words. Told of what was
# begun in the background, this is surer than its number: behind sudo that is another process.
has_process() {
    local file words
    for file in /proc/[0-9]*/cmdline; do
        mapfile -d '' -t words 2>/dev/null <"$file" || continue
        [ "${words[*]:0:$#}" != "$*" ] || return 0
    done
    return 1
}
