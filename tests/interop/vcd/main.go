// Drives go-vcloud-director, which none of us wrote, as the Terraform provider does: log in, find, download.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"os"

	"github.com/vmware/go-vcloud-director/v2/govcd"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	// Whose certificates it believes, SSL_CERT_FILE says: its HTTP client is its own.
	address, err := url.ParseRequestURI(os.Args[1] + "/api")
	must(err)
	client := govcd.NewVCDClient(*address, false, govcd.WithAPIVersion(os.Args[2]))
	must(client.Authenticate("administrator", os.Getenv("VCD_PASSWORD"), "Org0"))
	org, err := client.GetOrgByName("Org0")
	must(err)
	catalog, err := org.GetCatalogByName(os.Args[3], false)
	must(err)
	media, err := catalog.GetMediaByName(os.Args[4], true)
	must(err)
	data, err := media.Download()
	must(err)
	told, err := json.Marshal(map[string]any{
		"name": media.Media.Name, "bytes": len(data), "sha256": fmt.Sprintf("%x", sha256.Sum256(data)),
	})
	must(err)
	fmt.Println(string(told))
}
