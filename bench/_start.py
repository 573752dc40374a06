"""How long a fake takes to be there, to begin anew and to go, in a process of its own. Prints milliseconds as JSON."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
import time

from twohop.fakes import VCenter

CLIENTS = 20


def main(machines: str = "10000") -> None:
    """Start, ask, reset with clients connected, stop with clients connected."""
    began, cpu = time.monotonic(), time.process_time()
    vcenter = VCenter().start()
    context = ssl.create_default_context(cafile=str(vcenter.ca_file))
    where = vcenter._server.host, vcenter._server.port
    with contextlib.ExitStack() as stack:

        def connect() -> ssl.SSLSocket:
            raw = stack.enter_context(socket.create_connection(where))
            return stack.enter_context(context.wrap_socket(raw, server_hostname=where[0]))

        client = connect()
        client.sendall(b"GET /sdk/vimServiceVersions.xml HTTP/1.1\r\nHost: h\r\n\r\n")
        if not client.recv(65536).startswith(b"HTTP/1.1 200"):
            sys.exit("bench: the fake does not answer")
        ready, ready_cpu = time.monotonic() - began, time.process_time() - cpu
        for _ in range(CLIENTS):
            connect()
        began = time.monotonic()
        vcenter.reset()
        fresh = time.monotonic() - began
        began = time.monotonic()
        vcenter.stop()
        stopped = time.monotonic() - began
    began, cpu = time.monotonic(), time.process_time()
    VCenter(vms=int(machines), hosts=4)
    built, cpu = time.monotonic() - began, time.process_time() - cpu
    print(
        json.dumps(
            {
                "build": built * 1e3,
                "build_cpu": cpu * 1e3,
                "ready": ready * 1e3,
                "ready_cpu": ready_cpu * 1e3,
                "fresh": fresh * 1e3,
                "stop": stopped * 1e3,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
