package main

import (
	"context"
	"net/url"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
)

// newEtcd stores the cluster on loopback. Nothing is flushed to the disk: the data is thrown away with the rig.
func newEtcd() *cobra.Command {
	command := &cobra.Command{Use: "etcd"}
	folder := command.Flags().String("data-dir", "", "where the data lies until then")
	command.RunE = func(*cobra.Command, []string) error {
		config := embed.NewConfig()
		config.Dir = *folder
		config.UnsafeNoFsync = true
		config.LogLevel = "error"
		clients, peers := url.URL{Scheme: "http", Host: "127.0.0.1:2379"}, url.URL{Scheme: "http", Host: "127.0.0.1:2380"}
		config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{clients}, []url.URL{clients}
		config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peers}, []url.URL{peers}
		config.InitialCluster = config.InitialClusterFromName(config.Name)
		store, err := embed.StartEtcd(config)
		if err != nil {
			return err
		}
		defer store.Close()
		told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
		defer stop()
		select {
		case <-told.Done():
			return nil
		case err := <-store.Err():
			return err
		}
	}
	return command
}
