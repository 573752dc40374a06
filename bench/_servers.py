"""The two servers: a fake host with a disk under a lease, and nginx with the same bytes as a file."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme
from pyVim.connect import Disconnect, SmartConnect

NGINX = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  sendfile on;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/leaf.pem;
    ssl_certificate_key {folder}/leaf.key;
    root {folder}/files;
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Serving:
    """Where a disk can be fetched, whose authority to trust, which process serves it, and how clients log in."""

    url: str
    ca_file: Path
    pid: int
    renew: Any = None
    env: Mapping[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def served(*options: str) -> Iterator[tuple[dict[str, str], int]]:
    """Run `twohop serve`; gives what it prints, by name, and its process id."""
    command = [sys.executable, "-m", "twohop.cli", "serve", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        env = {}
        for line in process.stdout:
            name, _, value = line.partition("=")
            env[name] = shlex.split(value)[0]
            if name == "TWOHOP_CONTROL_URL":  # the last of them
                break
        else:
            sys.exit("bench: twohop serve ended before it was ready")
        yield env, process.pid
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def fake_host(folder: Path, disk: dict[str, Any]) -> Iterator[Serving]:
    """Serve a world with one machine of one disk, and hold a lease on it; `renew` keeps the lease alive."""
    vm = {"name": "vm", "host": "H0", "disks": [disk]}
    world = {"twohop": 1, "datacenters": [{"clusters": [{"name": "C0", "hosts": ["H0"]}], "vms": [vm]}]}
    file = folder / f"world-{disk['content'].replace('/', '-')[-40:]}.yaml"
    file.write_text(json.dumps(world))
    with served("--world", str(file)) as (env, pid):
        where, ca_file = urlsplit(env["TWOHOP_VCENTER_URL"]), Path(env["TWOHOP_CA_FILE"])
        service = SmartConnect(
            host=where.hostname, port=where.port, user=env["TWOHOP_USER"], pwd=env["TWOHOP_PASSWORD"],
            sslContext=ssl.create_default_context(cafile=str(ca_file)),
        )  # fmt: skip
        lease = service.content.searchIndex.FindByInventoryPath("DC0/vm/vm").ExportVm()
        while lease.state == "initializing":
            time.sleep(0.05)
        url = next(each.url for each in lease.info.deviceUrl if each.disk)
        try:
            yield Serving(url, ca_file, pid, lambda: lease.Progress(1), env)
            lease.Complete()
        finally:
            Disconnect(service)


@contextlib.contextmanager
def nginx(folder: Path, files: Path) -> Iterator[Serving]:
    """Serve the files of a directory with one worker, over a certificate made as the fakes make theirs."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    leaf.private_key_pem.write_to_path(str(folder / "leaf.key"))
    for number, blob in enumerate(leaf.cert_chain_pems):
        blob.write_to_path(str(folder / "leaf.pem"), append=number > 0)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Else a worker of root's nginx is nobody, who cannot look into our folder.
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, user=user))
    (folder / "files").symlink_to(files)
    path = os.environ["PATH"] + ":/usr/sbin"
    process = subprocess.Popen(
        ["nginx", "-c", str(config), "-p", str(folder), "-e", str(folder / "error.log")],
        env=os.environ | {"PATH": path},
    )
    try:
        until = time.monotonic() + 10
        while socket.socket().connect_ex(("127.0.0.1", port)):
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"bench: nginx does not answer: {(folder / 'error.log').read_text()}")
            time.sleep(0.05)
        yield Serving(f"https://127.0.0.1:{port}", folder / "ca.pem", process.pid)
    finally:
        process.terminate()
        process.wait()
