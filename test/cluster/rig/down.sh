#!/bin/bash
# down.sh DIR: stops every process of the rig and removes its network namespaces
. "$(dirname "$0")/common.sh"
# Nothing of it is worth a tidy end.
SIGNAL=KILL stop $(ls "$dir/run" | sed -n 's/\.pid$//p')
rm -f "$dir"/run/*
for netns in $(ip netns list | awk '{ print $1 }' | grep -E "^$prefix-(lan|node-[0-9]+)$"); do ip netns del "$netns"; done
