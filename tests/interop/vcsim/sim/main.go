// vcsim on a port of its own, over TLS, until it is told to end; it prints its URL. Of the one argument that there may
// be, it has so many machines in each of its two pools.
package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/vmware/govmomi/simulator"
)

func main() {
	model := simulator.VPX()
	defer model.Remove()
	if len(os.Args) > 1 {
		machines, err := strconv.Atoi(os.Args[1])
		if err != nil {
			panic(err)
		}
		model.Machine = machines
	}
	if err := model.Create(); err != nil {
		panic(err)
	}
	model.Service.TLS = new(tls.Config)
	server := model.Service.NewServer()
	defer server.Close()
	fmt.Println(server.URL)
	done := make(chan os.Signal, 1)
	signal.Notify(done, os.Interrupt, syscall.SIGTERM)
	<-done
}
