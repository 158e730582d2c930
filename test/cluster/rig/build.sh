#!/bin/bash
# build.sh OUT [VERSION...]: OUT/kube (etcd, control plane, kubectl, kube-proxy and kubelets in one binary), and for each VERSION such as v1.33.13
# that release's own OUT/kube-proxy-VERSION. What is there already stays. 5 to 7 minutes on two cores where Go's cache is empty.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
# One build at a time: the next finds what it needs.
exec 9> "$out/.lock"
flock 9

# A program is known by its version as the linker writes it; checklinkname lets older libraries reach into the runtime.
link() { # link VERSION FILE
  local set="-X k8s.io/component-base/version.gitVersion=$1 -X k8s.io/client-go/pkg/version.gitVersion=$1"
  go build -buildvcs=false -trimpath -ldflags "-s -w -checklinkname=0 $set" -o "$2.part" . && mv "$2.part" "$2"
}

cd "$here/kube"
sources=$(cat *.go go.mod go.sum | sha256sum)
if [ ! -x "$out/kube" ] || [ "$(cat "$out/kube.sources" 2> /dev/null)" != "$sources" ]; then
  link "$(go list -m -f '{{.Version}}' k8s.io/kubernetes)" "$out/kube"
  echo "$sources" > "$out/kube.sources"
fi

# Kubernetes' own go.mod takes its libraries from folders of its tree. Seen from outside, each of them is a published module with the same release:
# a go.mod with these replacements builds any release from the module proxy.
for version in "$@"; do
  [ -x "$out/kube-proxy-$version" ] && continue
  module=$(mktemp -d)
  cd "$module"
  theirs=$(go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/^\s*"GoMod": "\(.*\)",\?$/\1/p')
  {
    echo "module proxy"
    echo "go $(awk '$1 == "go" { print $2 }' "$theirs")"
    echo "require k8s.io/kubernetes $version"
    awk -v library="v0.${version#v1.}" '
      /^replace \(/ { inside = 1; next }
      /^\)/ { inside = 0 }
      inside && $3 ~ /^\.\/staging\/src\// { sub(/^\.\/staging\/src\//, "", $3); print "replace", $1, "=>", $3, library; next }
      inside && NF { print "replace", $0 }' "$theirs"
  } > go.mod
  printf 'package main\n\nimport (\n\t"os"\n\n\t"k8s.io/kubernetes/cmd/kube-proxy/app"\n)\n\nfunc main() {\n\tif app.NewProxyCommand().Execute() != nil {\n\t\tos.Exit(1)\n\t}\n}\n' > main.go
  go mod tidy -e 2> /dev/null
  link "$version" "$out/kube-proxy-$version"
  cd "$here/kube"
  rm -rf "$module"
done
