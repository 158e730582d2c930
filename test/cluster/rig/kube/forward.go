package main

import (
	"errors"
	"io"
	"log"
	"net"
	"os"
	"runtime"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// newForward joins connections to a port of this machine's loopback with an address inside another network namespace, where the control
// plane lives: its own loopback is out of reach for a test.
func newForward() *cobra.Command {
	command := &cobra.Command{Use: "forward"}
	listen := command.Flags().String("listen", "127.0.0.1:6443", "where clients connect")
	to := command.Flags().String("to", "", "the address inside the namespace")
	namespace := command.Flags().String("netns", "", "the namespace's file")
	command.RunE = func(*cobra.Command, []string) error {
		inside, err := os.Open(*namespace)
		if err != nil {
			return err
		}
		listener, err := net.Listen("tcp", *listen)
		if err != nil {
			return err
		}
		for {
			client, err := listener.Accept()
			if err != nil {
				return err
			}
			go func() {
				defer client.Close()
				server, err := dialInside(inside, *to)
				if err != nil {
					log.Print(err)
					return
				}
				go copyAndClose(server, client)
				copyAndClose(client, server)
			}()
		}
	}
	return command
}

// copyAndClose ends both directions with the first of them: a server that has gone must be seen by its clients.
func copyAndClose(to, from net.Conn) {
	defer to.Close()
	if _, err := io.Copy(to, from); err != nil && !errors.Is(err, net.ErrClosed) {
		log.Print(err)
	}
}

// dialInside connects from within a namespace, on a thread of its own: it stays locked to its goroutine and so ends with it, and no other
// code ever runs in the wrong namespace.
func dialInside(namespace *os.File, address string) (net.Conn, error) {
	type dialled struct {
		conn net.Conn
		err  error
	}
	result := make(chan dialled)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- dialled{err: err}
			return
		}
		// An address in numbers: neither a resolver nor a second thread for another family takes part.
		at, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			result <- dialled{err: err}
			return
		}
		conn, err := net.DialTCP("tcp", nil, at)
		if err != nil {
			result <- dialled{err: err}
			return
		}
		result <- dialled{conn: conn}
	}()
	answer := <-result
	return answer.conn, answer.err
}
