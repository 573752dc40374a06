"""Speaking to a cell as any client does: urllib3, the vCloud API, and the URLs it gives."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

from twohop.contracts._cell_target import CellTarget
from twohop.contracts.history._xml import child, children, parse
from twohop.runtime.observing import Connection, Observations, ObservedBody, Request, Response

from ._members import Members

PATIENCE = 60.0
"""Real seconds for an answer."""
_NARROW = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)]
"""So that a download that is paused is one at the cell too, and does not wait in this machine's memory."""
LARGEST_TEXT = 1 << 18
"""Bytes of an answer that are kept as they are; of more a digest is."""

Got = tuple[int, str, dict[str, str]]
"""Status, text, and headers by their names in lower case."""
More = Callable[[int | None], Got]
"""Reads on until so many bytes have come, or to the end, and returns what came up to then."""


class CellSpeaker:
    """A client of a cell whose every exchange is written down, as `user`."""

    def __init__(self, target: CellTarget, observations: Observations) -> None:
        self._target, self._observer = target, observations.observer("user")
        self._pool = urllib3.PoolManager(
            ca_certs=str(target.ca_file), retries=False, timeout=PATIENCE, socket_options=_NARROW
        )
        self._connections: dict[str, Connection] = {}
        self._token: dict[str, str] = {}
        self._accept = {"Accept": f"application/*+xml;version={_newest(self.ask('GET', '/api/versions')[1])}"}

    def close(self) -> None:
        """Hang up."""
        self._pool.clear()

    def log_in(self) -> None:
        """Log in, for the first time or after the session has ended."""
        who = base64.b64encode(f"{self._target.user}:{self._target.password}".encode()).decode()
        accept = self._accept["Accept"].replace("+xml", "+json")
        cloudapi = tuple(map(int, accept.rpartition("=")[2].split("."))) >= (33, 0)
        path = "/cloudapi/1.0.0/sessions" if cloudapi else "/api/sessions"
        kind = {"Accept": accept.replace("*+json", "json")} if cloudapi else self._accept
        _, _, headers = self.ask("POST", path, {**kind, "Authorization": f"Basic {who}"})
        self._token = {"X-VCLOUD-AUTHORIZATION": headers.get("x-vcloud-authorization", "")}

    def call(self, method: str, path: str) -> tuple[int, Any]:
        """Ask the API, logging in again where the session has ended; return status and root element."""
        for _ in range(2):
            status, body, _ = self.ask(method, path, {**self._accept, **self._token})
            if status != 401:
                break
            self.log_in()
        return status, parse(body)

    def vapp(self, wanted: str) -> str:
        """Return the path of a vApp."""
        return self._path("vApp", "VAppRecord", wanted)

    def medium(self, wanted: str) -> str:
        """Return the path of a medium."""
        return self._path("media", "MediaRecord", wanted)

    def _path(self, kind: str, record: str, wanted: str) -> str:
        _, root = self.call("GET", f"/api/query?type={kind}&format=records&pageSize=128")
        for row in children(root, record):
            if row.get("name") == wanted:
                return urlsplit(str(row.get("href"))).path
        raise LookupError(f"the cell shows no {kind} {wanted}")

    def links(self, path: str) -> dict[str, str]:
        """Look at an entity; return its links by rel, those of a medium's file among them."""
        _, root = self.call("GET", path)
        holders = (root, *children(child(root, "Files"), "File"))
        return {str(link.get("rel")): str(link.get("href")) for each in holders for link in children(each, "Link")}

    def files(self, descriptor: str, url: str) -> list[str]:
        """Return the URLs of the files that a descriptor names."""
        root = parse(descriptor)
        found = []
        for file in children(child(root, "References"), "File"):
            href = next((str(value) for key, value in file.items() if str(key).endswith("href")), "")
            found.append(urljoin(url, href))
        return found

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """GET a transfer URL to its end, without any token."""
        status, body, _ = self.ask("GET", url, headers)
        return status, body

    @contextlib.contextmanager
    def reading(self, url: str) -> Iterator[None]:
        """Begin a GET and read a little; the rest when the block ends."""
        with self._exchange("GET", url, {}, alone=True) as more:
            more(1 << 16)
            yield

    def ask(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Got:
        """Send one request and read the answer to its end, whatever that is; status 0 where none came."""
        with self._exchange(method, url, dict(headers or {})) as more:
            answer = more(None)
        return answer

    @contextlib.contextmanager
    def _exchange(self, method: str, url: str, headers: dict[str, str], *, alone: bool = False) -> Iterator[More]:
        url, observer = urljoin(self._target.url, url), self._observer
        body, kept, t0 = ObservedBody(), bytearray(), observer.now()
        members = Members() if urlsplit(url).path.endswith(".ova") else None
        t_first, error, end = t0, None, "complete"
        answer: urllib3.BaseHTTPResponse | None = None
        stream: Iterator[bytes] = iter(())
        try:
            answer = self._pool.urlopen(
                method, url, headers=headers, preload_content=False, retries=False, redirect=False
            )
            t_first, stream = observer.now(), answer.stream(1 << 16, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as failure:
            error, end = f"{type(failure).__name__}: {failure}", "cut"

        def more(least: int | None) -> Got:
            nonlocal error, end
            try:
                for piece in stream:
                    body.feed(piece)
                    if members is not None:
                        members.feed(piece)
                    if len(kept) < LARGEST_TEXT:
                        kept.extend(piece)
                    if least is not None and body.size >= least:
                        break
            except (urllib3.exceptions.HTTPError, OSError) as failure:
                error, end = f"{type(failure).__name__}: {failure}", "cut"
            got = {key.lower(): value for key, value in answer.headers.items()} if answer is not None else {}
            return answer.status if answer is not None else 0, kept.decode("utf-8", "replace"), got

        try:
            yield more
        finally:
            more(None)
            # What lasts while other things happen is on a connection of its own.
            origin = urlsplit(url).netloc
            conn = observer.connection(url) if alone else self._connections.setdefault(origin, observer.connection(url))
            self._write_down(conn, method, url, headers, answer, body, members, kept, t0, t_first, error, end)
            if answer is not None:
                answer.release_conn()

    def _write_down(
        self, conn: Connection, method: str, url: str, headers: dict[str, str], answer: urllib3.BaseHTTPResponse | None,
        body: ObservedBody, members: Members | None, kept: bytearray, t0: float, t_first: float, error: str | None,
        end: str,
    ) -> None:  # fmt: skip
        observer, response = self._observer, None
        if answer is not None:
            text = kept.decode("utf-8", "replace") if body.size <= LARGEST_TEXT and b"\0" not in kept else None
            framing = "chunked" if "Transfer-Encoding" in answer.headers else "length"
            digest = dataclasses.replace(body.digest(), content=members.digest() if members is not None else None)
            response = Response(
                answer.status, observer.headers(answer.headers.items()), observer.scrub(text) if text else None,
                digest, framing=framing, end=end,  # type: ignore[arg-type]
            )  # fmt: skip
        request = Request(method, observer.scrub(url), observer.headers(headers.items()))
        observer.saw(conn, request, response, t0=t0, t_first=t_first, error=observer.scrub(error) if error else None)


def _newest(text: str) -> str:
    offered = re.findall(r"<Version>([\d.]+)</Version>", text)
    return max(offered, key=lambda version: tuple(map(int, version.split("."))), default="36.0")
