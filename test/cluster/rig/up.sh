#!/bin/bash
# up.sh DIR [NODES]: a cluster on this machine, each node a network namespace. KUBE is the binary, PORT where the API server answers on
# loopback, PREFIX the beginning of the namespaces' names. kube-proxy.sh's variables say what programs the nodes.
. "$(dirname "$0")/common.sh"
count=${2:-3}
port=${PORT:?a free port on loopback}
services=10.96.0.0/16,fd00:10:96::/112
pods=10.244.0.0/16,fd00:10:244::/56
"$here/down.sh" "$dir"
rm -rf "$dir/etcd"
trap 'tail -n 5 "$dir"/*.log >&2' ERR

inside() { ip netns exec "$prefix-$1" "${@:2}"; }

# One network for all: the control plane is 172.18.0.1, node-1 is 172.18.0.2, and so on.
ip netns add "$prefix-lan"
inside lan ip link set lo up
inside lan ip link add lan type bridge
inside lan ip address add 172.18.0.1/16 dev lan
inside lan ip address add fd00:18::1/64 dev lan nodad
inside lan ip link set lan up
for i in $(seq "$count"); do
  ip netns add "$prefix-node-$i"
  inside lan ip link add "to-node-$i" type veth peer name eth0 netns "$prefix-node-$i"
  inside lan ip link set "to-node-$i" master lan up
  inside "node-$i" ip link set lo up
  inside "node-$i" ip link set eth0 up
  inside "node-$i" ip address add "172.18.0.$((i + 1))/16" dev eth0
  inside "node-$i" ip address add "fd00:18::$((i + 1))/64" dev eth0 nodad
  inside "node-$i" ip route add default via 172.18.0.1
  inside "node-$i" ip -6 route add default via fd00:18::1
  inside "node-$i" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
done

# Who is who: one authority signs the server's certificate and everybody's.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/ca.key" -out "$dir/ca.crt" -days 30 -subj /CN=rig 2> /dev/null
certificate() { # certificate NAME SUBJECT [NAMES OF A SERVER]
  openssl req -newkey rsa:2048 -nodes -keyout "$dir/$1.key" -out "$dir/$1.csr" -subj "$2" 2> /dev/null
  openssl x509 -req -in "$dir/$1.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial -days 30 -out "$dir/$1.crt" \
    -extfile <(echo "extendedKeyUsage=clientAuth,serverAuth${3:+$'\n'subjectAltName=$3}") 2> /dev/null
}
kubeconfig() { # kubeconfig USER SERVER FILE
  cat > "$dir/$3.kubeconfig" << KUBECONFIG
apiVersion: v1
kind: Config
current-context: $1
clusters: [{name: rig, cluster: {server: "$2", certificate-authority-data: $(base64 -w0 "$dir/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$dir/$1.crt"), client-key-data: $(base64 -w0 "$dir/$1.key")}}]
contexts: [{name: $1, context: {cluster: rig, user: $1}}]
KUBECONFIG
}
certificate server /CN=kube-apiserver "IP:127.0.0.1,IP:172.18.0.1,IP:10.96.0.1,DNS:kubernetes.default.svc"
certificate admin /O=system:masters/CN=admin
for user in viewer reader nobody; do certificate $user /CN=$user; done
certificate kube-proxy /CN=system:kube-proxy
openssl genrsa -out "$dir/accounts.key" 2048 2> /dev/null
for user in admin viewer reader nobody; do kubeconfig $user "https://127.0.0.1:$port" $user; done
kubeconfig admin https://172.18.0.1:6443 inside
kubeconfig kube-proxy https://172.18.0.1:6443 kube-proxy

# The control plane.
start etcd "$prefix-lan" "$kube" etcd --data-dir "$dir/etcd"
start kube-apiserver "$prefix-lan" "$kube" kube-apiserver --etcd-servers http://127.0.0.1:2379 \
  --advertise-address 172.18.0.1 --service-cluster-ip-range $services --allow-privileged --authorization-mode RBAC \
  --tls-cert-file "$dir/server.crt" --tls-private-key-file "$dir/server.key" --client-ca-file "$dir/ca.crt" \
  --kubelet-client-certificate "$dir/admin.crt" --kubelet-client-key "$dir/admin.key" --kubelet-preferred-address-types InternalIP \
  --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$dir/accounts.key" \
  --service-account-signing-key-file "$dir/accounts.key" --disable-admission-plugins ServiceAccount ${APISERVER_FLAGS:-}
start forward "" "$kube" forward --listen "127.0.0.1:$port" --to 172.18.0.1:6443 --netns "/run/netns/$prefix-lan"
for _ in $(seq 240); do k get --raw /readyz > /dev/null 2>&1 && break; sleep 0.25; done
k get --raw /readyz > /dev/null
start kube-controller-manager "$prefix-lan" "$kube" kube-controller-manager --kubeconfig "$dir/inside.kubeconfig" --leader-elect=false \
  --service-account-private-key-file "$dir/accounts.key" --root-ca-file "$dir/ca.crt" --use-service-account-credentials=false \
  --allocate-node-cidrs --cluster-cidr $pods --node-cidr-mask-size-ipv4 24 --node-cidr-mask-size-ipv6 64 --service-cluster-ip-range $services
start kube-scheduler "$prefix-lan" "$kube" kube-scheduler --kubeconfig "$dir/inside.kubeconfig" --leader-elect=false

# The nodes, with kubelets that run no container, and commands in a pod on its node.
for i in $(seq "$count"); do
  k apply -f - > /dev/null << NODE
apiVersion: v1
kind: Node
metadata:
  name: node-$i
  labels: {kubernetes.io/hostname: node-$i, kubernetes.io/os: linux, topology.kubernetes.io/zone: zone-$(((i + 1) / 2))}
  annotations: {rig/version: ${NODE_VERSION:-v1.37.2}}
NODE
  # One after another, so that each rig numbers its pod networks alike.
  k wait --for=jsonpath='{.spec.podCIDRs[1]}' "node/node-$i" --timeout=120s > /dev/null
done
for i in $(seq "$count"); do
  start "kubelet-node-$i" "$prefix-node-$i" env "PATH=$dir/bin:$PATH" "$kube" kubelets --config "$here/kubelets.yaml" \
    --kubeconfig "$dir/inside.kubeconfig" --manage-single-node "node-$i" --node-name "node-$i" --node-ip "172.18.0.$((i + 1))" \
    --node-port 10250 --server-address 0.0.0.0:10250 --node-lease-duration-seconds 40 \
    --tls-cert-file "$dir/server.crt" --tls-private-key-file "$dir/server.key"
done
k wait --for=condition=Ready node --all --timeout=120s > /dev/null
# The controller that hands out the pods' networks may be later than that.
k wait --for=jsonpath='{.spec.podCIDR}' node --all --timeout=120s > /dev/null

# A bridge for each node's pods, whose own address is the last but one, and the ways to the other nodes' pods, as a simple CNI makes them.
k get nodes -o jsonpath='{range .items[*]}{.metadata.name} {.spec.podCIDRs[0]} {.spec.podCIDRs[1]}{"\n"}{end}' > "$dir/pod-networks"
while read -r node four six; do
  inside "$node" ip link add cni0 type bridge
  inside "$node" ip link set cni0 up
  inside "$node" ip address add "${four%.0/24}.254/24" dev cni0
  inside "$node" ip address add "${six%/64}fffe/64" dev cni0 nodad
  while read -r other four six; do
    [ "$other" = "$node" ] && continue
    inside "$node" ip route add "$four" via "172.18.0.$((${other#node-} + 1))"
    inside "$node" ip route add "$six" via "fd00:18::$((${other#node-} + 1))"
  done < "$dir/pod-networks"
done < "$dir/pod-networks"

# Rights: a viewer without nodes and exec, a reader with just what this project asks for, and nobody with none.
k create clusterrolebinding kube-proxy --clusterrole system:node-proxier --user system:kube-proxy > /dev/null
k create clusterrolebinding viewer --clusterrole view --user viewer > /dev/null
"$here/kube-proxy.sh" "$dir" start
