#!/bin/bash
# part.sh DIR start|stop NAME: one process of a rig, such as kube-apiserver or kube-proxy-node-3
. "$(dirname "$0")/common.sh"
case $2 in
  stop) stop "$3" ;;
  start) launch "$3" ;;
esac
