"""An answer with a fault around it: the application's own bytes, and then less of them, later, or none."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ..faults import Strike
from ._answer import HeadFirst
from ._exchange import Cut

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ._site import Site

WHY = "as the plan says"


class Faulty:
    """The application for one request that a rule has struck."""

    def __init__(self, site: Site, strike: Strike, app: WSGIApplication) -> None:
        self._site, self._strike, self._app = site, strike, app

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer the request, as far as the fault lets it be answered."""
        kind, args = self._strike.kind, self._strike.args
        if not args.get("carried_out", True):
            return self._instead(environ, start)
        if kind == "slow":
            self._wait(environ, args["seconds"])
            return self._app(environ, start)
        if kind == "cut-upload":
            environ["wsgi.input"] = _CutInput(environ["wsgi.input"], args["after"])
            return self._app(environ, start)
        answer = _Answered(self._app, environ)
        try:
            return self._of(answer, environ, start, kind, args)
        except BaseException:
            answer.close()
            raise

    def _of(
        self, answer: _Answered, environ: WSGIEnvironment, start: StartResponse, kind: str, args: Any
    ) -> Iterable[bytes]:
        after = args.get("after")
        if kind in ("status", "silent"):
            answer.close()
            return self._instead(environ, start)
        if kind == "stall" and after is None:
            self._wait(environ, args["seconds"])
        elif kind in ("cut", "reset") and after is None:
            raise Cut(WHY, reset=kind == "reset")
        if kind in ("empty", "short"):
            kept = 0 if kind == "empty" else args["bytes"]
            if kept is None and answer.length is not None:
                kept = max(0, answer.length - args["less"])
            if answer.length is not None:
                answer.length = min(kept, answer.length)
            pieces = _first(answer, kept) if kept is not None else _without_last(answer, args["less"])
            start(answer.status, answer.headers)
            return _Body(answer, pieces)
        start(answer.status, answer.headers)
        if after is None:
            return _Body(answer, iter(answer))
        return _Begun(answer, self._broken(answer, environ, kind, args, after))

    def _instead(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        kind, args = self._strike.kind, self._strike.args
        if kind == "status":
            try:
                phrase = HTTPStatus(args["status"]).phrase
            except ValueError:
                phrase = "Fault"
            start(f"{args['status']} {phrase}", [("Content-Length", "0")])
            return [b""]
        if kind == "silent":
            self._wait(environ, args["seconds"])
        raise Cut(WHY, reset=kind == "reset")

    def _broken(self, answer: _Answered, environ: WSGIEnvironment, kind: str, args: Any, after: int) -> Iterator[bytes]:
        pieces = iter(answer)
        rest, since = b"", self._site.clock.now()
        for piece in pieces:
            # Before the client has the bytes: it may move the clock as soon as it has.
            since = self._site.clock.now()
            if len(piece) > after:
                if after:
                    yield piece[:after]
                rest = piece[after:]
                break
            after -= len(piece)
            yield piece
        if kind in ("cut", "reset"):
            raise Cut(WHY, reset=kind == "reset", final=bool(args.get("final")))
        if kind == "stall":
            self._wait(environ, args["seconds"], since)
            yield rest
            yield from pieces
            return
        for number, piece in enumerate(_of_size(itertools.chain((rest,), pieces), args["bytes"]), 1):
            # From the beginning, so that time which passed while nobody waited is not waited for again.
            self._wait(environ, args["seconds"] * number, since)
            yield piece

    def _wait(self, environ: WSGIEnvironment, seconds: float | None, since: float | None = None) -> None:
        began = self._strike.at if since is None else since
        self._site.wait(environ["werkzeug.socket"], self._strike, seconds, began)
        look = environ.get("twohop.while_blocked")
        if look is not None:
            # What the answer is of may have ended meanwhile.
            look()


class _CutInput:
    """A request's body that breaks off, as if the client had gone: whoever reads it cleans up as for that."""

    def __init__(self, source: Any, after: int) -> None:
        self._source, self._left = source, after

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, or what there is up to the end; ConnectionAbortedError where the cut comes first."""
        parts, wanted = [], size
        while wanted:
            if self._left <= 0:
                raise ConnectionAbortedError(WHY)
            data = self._source.read(self._left if wanted < 0 else min(wanted, self._left))
            if not data:
                break
            parts.append(data)
            self._left -= len(data)
            wanted -= len(data) if wanted > 0 else 0
        return b"".join(parts)


class _Answered:
    """What the application answers: its status, its headers, the length that they promise, and its pieces."""

    def __init__(self, app: WSGIApplication, environ: WSGIEnvironment) -> None:
        self.status = "200 OK"
        self._headers: list[tuple[str, str]] = []
        self._chunks = app(environ, self._start)
        # An application written as a generator names its status with its first piece.
        pieces = iter(self._chunks)
        first = next(pieces, b"")
        self._pieces = itertools.chain((first,), pieces)
        told = next((value for name, value in self._headers if name.lower() == "content-length"), None)
        self.length = int(told) if told is not None else None
        if told is None and isinstance(self._chunks, list | tuple):
            self.length = sum(map(len, self._chunks))

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self.status, self._headers = status, headers
        return _no_write

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers, with the length as it stands now."""
        others = [(name, value) for name, value in self._headers if name.lower() != "content-length"]
        return others if self.length is None else [*others, ("Content-Length", str(self.length))]

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


class _Body:
    """A body that closes what it is made of, also where nobody has asked for its first piece."""

    def __init__(self, answer: _Answered, pieces: Iterator[bytes]) -> None:
        self._answer, self._pieces = answer, pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self._answer.close()


class _Begun(_Body, HeadFirst):
    """The same, whose head goes out before its first piece is there."""


def _no_write(data: bytes) -> None:
    raise RuntimeError("the write() callable of WSGI is not served here: return an iterable")


def _first(pieces: Iterable[bytes], count: int) -> Iterator[bytes]:
    if count <= 0:
        return
    for piece in pieces:
        yield piece[:count]
        count -= len(piece)
        if count <= 0:
            return


def _without_last(pieces: Iterable[bytes], count: int) -> Iterator[bytes]:
    held = b""
    for piece in pieces:
        held += piece
        if len(held) > count:
            yield held[:-count]
            held = held[-count:]


def _of_size(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    held = b""
    for piece in pieces:
        held += piece
        whole = len(held) - len(held) % size
        yield from (held[at : at + size] for at in range(0, whole, size))
        held = held[whole:]
    if held:
        yield held
