"""What strangers send, over raw TLS sockets, to every server there is: fake vCenter, fake ESXi, its hosts, the cell."""
