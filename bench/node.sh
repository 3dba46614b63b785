#!/bin/bash
# A fresh, private, loopback-only node to measure, beside other servers.
#
#   node.sh start DIR     start (makes the data and the accounts at the first time)
#   node.sh stop DIR      stop what was started in DIR; says how long the event loops were held at most
#   node.sh target DIR    print the arguments of a --target
#
# Environment: PORT_BASE (default 22000); ports are PORT_BASE+25/587/110/995/143/993/24 and +80 for metrics.
#              WORKERS (default: one per core); PYTHON (default: the virtual environment beside this file).
# Users u0@example.test .. u99@example.test, password "secret".  Durability is production's: every acknowledged
# message is on stable storage.  Limits on connections and messages are raised so that they never bind.
set -eu

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHON=${PYTHON:-$here/.venv/bin/python}
[ -x "$PYTHON" ] || PYTHON=python3

wait_port() {
    local i
    for i in $(seq 1 400); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
        sleep 0.025
    done
    echo "port $1 did not open; see the log" >&2
    return 1
}

port_free() {
    local port
    for port in "$@"; do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "port $port is in use; set PORT_BASE" >&2
            exit 1
        fi
    done
}

print_target() {
    local dir=$1
    . "$dir/ports"
    cat <<OUT
--target posthouse smtp=127.0.0.1:$((PORT_BASE+25)) submission=127.0.0.1:$((PORT_BASE+587)) imap=127.0.0.1:$((PORT_BASE+143)) imaps=127.0.0.1:$((PORT_BASE+993)) pop3=127.0.0.1:$((PORT_BASE+110)) pop3s=127.0.0.1:$((PORT_BASE+995)) lmtp=127.0.0.1:$((PORT_BASE+24)) user=u%d@example.test password=secret data=$dir/data ctl=$dir/ctl
OUT
}

start() {
    local dir
    dir=$(realpath -m "$1")
    PORT_BASE=${PORT_BASE:-22000}
    port_free $((PORT_BASE+25)) $((PORT_BASE+587)) $((PORT_BASE+143)) $((PORT_BASE+993)) $((PORT_BASE+110)) \
        $((PORT_BASE+995)) $((PORT_BASE+24)) $((PORT_BASE+80))
    mkdir -p "$dir"
    ulimit -n 200000 2>/dev/null || ulimit -n "$(ulimit -Hn)"
    printf 'PORT_BASE=%s\n' "$PORT_BASE" > "$dir/ports"
    printf '#!/bin/sh\nexport PORT_BASE=%s WORKERS=%s PYTHON=%s\nexec %s "$1" %s\n' \
        "$PORT_BASE" "${WORKERS:-0}" "$PYTHON" "$here/bench/node.sh" "$dir" > "$dir/ctl"
    chmod +x "$dir/ctl"
    if [ ! -f "$dir/posthouse.toml" ]; then
        "$PYTHON" -m compileall -q "$here/src"  # as an installed package is
        "$PYTHON" "$here/bench/node.py" "$dir" "$PORT_BASE" "${WORKERS:-0}"
    fi
    # The node keeps these descriptors: never hand it the caller's pipe.
    setsid "$PYTHON" -m posthouse serve -c "$dir/posthouse.toml" </dev/null >"$dir/log" 2>&1 &
    if ! { wait_port $((PORT_BASE+143)) && wait_port $((PORT_BASE+25)) && wait_port $((PORT_BASE+110)); }; then
        cat "$dir/log" >&2
        exit 1
    fi
    print_target "$dir"
}

# What the event loops of the workers felt since the start.
stalls() {
    . "$1/ports"
    { exec 3<>"/dev/tcp/127.0.0.1/$((PORT_BASE+80))"; } 2>/dev/null || return 0
    printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
    grep -aE '^posthouse_(loop_lag_max_seconds|loop_stalls_total|loop_stalls_own_total|faults_total) ' <&3 >&2 || true
    exec 3>&-
}

stop() {
    local dir pid i
    dir=$(realpath -m "$1")
    [ -f "$dir/data/run/posthouse.pid" ] || return 0
    stalls "$dir"
    pid=$(cat "$dir/data/run/posthouse.pid")
    kill "$pid" 2>/dev/null || return 0
    for i in $(seq 1 1500); do
        case $(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null) in ""|Z) return 0 ;; esac
        sleep 0.02
    done
    echo "the node (process $pid) did not stop" >&2
    return 1
}

case "${1:-} ${2:-}" in
    "start "?*) start "$2" ;;
    "stop "?*) stop "$2" ;;
    "target "?*) print_target "$(realpath -m "$2")" ;;
    *) sed -n '2,13p' "$0"; exit 2 ;;
esac
