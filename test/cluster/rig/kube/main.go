// Command kube is a Kubernetes control plane, its kubelets' stand-in and its tools in one binary: the first argument says which of them
// to be. One binary links the libraries that they share once, which saves minutes of building.
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

var parts = map[string]func() *cobra.Command{
	"etcd":                    newEtcd,
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllers.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kube-proxy":              proxy.NewProxyCommand,
	"kubectl":                 kubectl.NewDefaultKubectlCommand,
	"forward":                 newForward,
}

func main() {
	var name string
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	os.Args = append([]string{name}, os.Args[min(2, len(os.Args)):]...)
	if name == "kubelets" {
		os.Exit(kubelets())
	}
	part, known := parts[name]
	if !known {
		fmt.Fprintf(os.Stderr, "kube PART [ARGUMENT...]: PART is one of kubelets, %s\n", strings.Join(slices.Sorted(maps.Keys(parts)), ", "))
		os.Exit(2)
	}
	os.Exit(cli.Run(part()))
}
