// vcsim on a port of its own, over TLS, until it is interrupted; it prints its URL.
package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"os/signal"

	"github.com/vmware/govmomi/simulator"
)

func main() {
	model := simulator.VPX()
	defer model.Remove()
	if err := model.Create(); err != nil {
		panic(err)
	}
	model.Service.TLS = new(tls.Config)
	server := model.Service.NewServer()
	defer server.Close()
	fmt.Println(server.URL)
	done := make(chan os.Signal, 1)
	signal.Notify(done, os.Interrupt)
	<-done
}
