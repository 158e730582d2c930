package main

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"
)

// kubelets runs kwok, which plays the kubelet of a node. It looks at --config before its other flags, with a flag set of its own; the
// flags that the imported parts of Kubernetes have registered for everybody would be taken for its own.
func kubelets() int {
	pflag.CommandLine = pflag.NewFlagSet("kubelets", pflag.ContinueOnError)
	first := pflag.NewFlagSet("first", pflag.ContinueOnError)
	first.ParseErrorsAllowlist.UnknownFlags = true
	first.Usage = func() {}
	run := func() error {
		ctx, _ := log.InitFlags(signals.SetupSignalContext(), first)
		ctx, err := config.InitFlags(ctx, first)
		if err != nil {
			return err
		}
		command := kwok.NewCommand(ctx)
		command.PersistentFlags().AddFlagSet(first)
		return command.ExecuteContext(ctx)
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
