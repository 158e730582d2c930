#!/bin/bash
# kube-proxy.sh DIR start|stop: a real kube-proxy on each node, with its pods and its ConfigMap as kubeadm makes them. Started again, it
# begins with an empty kernel. KUBE_PROXY is the program (default: KUBE's own), PROXY_VERSION its version, PROXY_MODE iptables or nftables,
# IPTABLES the backend nft or legacy, CLUSTER_CIDR and EXTRA_CONFIG its configuration, VERBOSITY empty where it takes no -v (before 1.29).
. "$(dirname "$0")/common.sh"
for node in $(nodes); do stop "kube-proxy-$node"; done
[ "$2" = stop ] && exit

# The backend is whatever PATH finds first, as in kube-proxy's image.
bin=$dir/iptables-${IPTABLES:-nft}
mkdir -p "$bin"
for family in iptables ip6tables; do
  for tool in '' -save -restore; do ln -sf "$(command -v "xtables-${IPTABLES:-nft}-multi")" "$bin/$family$tool"; done
done
ln -sfn "$bin" "$dir/bin"

configuration() { # configuration KUBECONFIG NODE
  cat << CONFIGURATION
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: 0.0.0.0
clientConnection: {kubeconfig: $1}
clusterCIDR: ${CLUSTER_CIDR-10.244.0.0/16,fd00:10:244::/56}
hostnameOverride: "$2"
mode: ${PROXY_MODE:-iptables}
conntrack: {maxPerCore: 0, min: 0}
iptables: {masqueradeAll: ${MASQUERADE_ALL:-false}, minSyncPeriod: 1s, syncPeriod: 30s}
${EXTRA_CONFIG:-}
CONFIGURATION
}
configuration /var/lib/kube-proxy/kubeconfig.conf '' > "$dir/config.conf"
k create configmap kube-proxy -n kube-system --from-file "config.conf=$dir/config.conf" --dry-run=client -o yaml | k apply -f - > /dev/null
sed "s/VERSION/${PROXY_VERSION:-v1.37.2}/" "$here/../manifests/kube-proxy.yaml" | k apply -f - > /dev/null
for node in $(nodes); do
  # Not even looking at legacy tables that aren't there: that would make them.
  ip netns exec "$prefix-$node" sh -c '
    nft flush ruleset
    for family in ip ip6; do
      for table in $(cat /proc/net/${family}_tables_names); do
        xtables-legacy-multi ${family}tables -t $table -F
        xtables-legacy-multi ${family}tables -t $table -X
      done
    done' 2> /dev/null || true
  configuration "$dir/kube-proxy.kubeconfig" "$node" > "$dir/$node.conf"
  # Each node has its own lock, as real nodes do: legacy's would be one for the whole machine.
  start "kube-proxy-$node" "$prefix-$node" env "PATH=$bin:$PATH" "XTABLES_LOCKFILE=$dir/$node.lock" ${KUBE_PROXY:-$kube kube-proxy} --config "$dir/$node.conf" ${VERBOSITY--v 2}
done
k -n kube-system rollout status daemonset kube-proxy --timeout=120s > /dev/null
