# Read by the other scripts: what they share. DIR is the rig's folder: kubeconfigs, logs, and DIR/run/NAME.{pid,command,netns} for each process.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(mkdir -p "$1/run" && cd "$1" && pwd)
kube=${KUBE:?the binary that build.sh made}
prefix=${PREFIX:?what the names of the network namespaces begin with}

k() { KUBECONFIG=$dir/admin.kubeconfig "$kube" kubectl "$@"; }

nodes() { ip netns list | awk '{ print $1 }' | sed -n "s/^$prefix-\(node-[0-9]*\)$/\1/p" | sort -V; }

start() { # start NAME NETNS COMMAND...: again with `part.sh DIR start NAME`. An empty NETNS is this machine's.
  local name=$1 netns=$2
  shift 2
  printf '%s' "$netns" > "$dir/run/$name.netns"
  printf '%q ' "$@" > "$dir/run/$name.command"
  launch "$name"
}

launch() {
  local netns command
  netns=$(cat "$dir/run/$1.netns")
  eval "command=($(cat "$dir/run/$1.command"))"
  # Not this script's standard streams: whoever waits for their end would wait for the process.
  setsid ${netns:+ip netns exec "$netns"} "${command[@]}" >> "$dir/$1.log" 2>&1 < /dev/null &
  echo $! > "$dir/run/$1.pid"
}

alive() { # alive PID...: whether any of them is
  local pid
  for pid in "$@"; do kill -0 "$pid" 2> /dev/null && return; done
  return 1
}

stop() { # stop NAME...
  local name pids=()
  for name in "$@"; do
    [ -f "$dir/run/$name.pid" ] && pids+=("$(cat "$dir/run/$name.pid")")
    rm -f "$dir/run/$name.pid"
  done
  [ ${#pids[@]} = 0 ] && return
  kill "-${SIGNAL:-TERM}" "${pids[@]}" 2> /dev/null || true
  # Until the last of them is gone: the next one wants its port.
  for i in $(seq 150); do
    alive "${pids[@]}" || return 0
    if [ "$i" = 20 ]; then kill -9 "${pids[@]}" 2> /dev/null || true; fi
    sleep 0.1
  done
}
