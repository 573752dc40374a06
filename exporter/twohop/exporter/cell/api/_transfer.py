"""The download endpoint: `/transfer/<id>/<file>`, where the URL is all the right one needs (3.7-3.12).

No header of the API stands on its answers (1.10b) and no body in its errors (1.14); what the client accepts or which
token it sends makes no difference (3.10b, 8.1b).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from sqlalchemy.exc import SQLAlchemyError
from werkzeug.http import http_date, parse_range_header
from werkzeug.wrappers import Request

from twohop.runtime.profiles import Profile
from twohop.runtime.serving import Cut

from ..engine import BuildFailed, Download, Engine, FileGone, LinkDead, cause

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

PREFIX = "/transfer/"
PIECE = 256 << 10
_TYPES = {"ovf": "text/xml"}
_VALIDATORS = ("ETag", "Last-Modified")
_REASONS = {
    200: "OK", 206: "Partial Content", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 410: "Gone", 416: "Range Not Satisfiable",
    500: "Internal Server Error",
}  # fmt: skip
Headers = list[tuple[str, str]]
T = TypeVar("T")


class TransferEndpoint:
    """Answers GET and HEAD; `authorized` tells whether a request carries a session, where the profile asks for one,
    `stale` whether it carries a token that opens none.

    `complain` hears what cannot be said to the client, since errors here have no body (1.14).
    """

    def __init__(
        self,
        engine: Engine,
        profile: Profile,
        authorized: Callable[[Request], bool],
        stale: Callable[[Request], bool],
        complain: Callable[[str], None],
    ) -> None:
        self._engine, self._profile, self._complain = engine, profile, complain
        self._authorized, self._stale = authorized, stale

    def __call__(self, request: Request, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request below `/transfer/`."""
        head = request.method == "HEAD"
        if request.method != "GET" and not (head and self._profile.text("head") == "200"):
            return _empty(start_response, 405, [("Allow", "GET")])
        try:
            if self._profile.text("transfer_auth") == "needed" and not self._authorized(request):
                return _empty(start_response, 401)
            if self._profile.text("stale_token_on_transfer") == "401" and self._stale(request):
                return _empty(start_response, 401)
        except SQLAlchemyError as error:
            self._complain(cause(error))
            return _empty(start_response, 500)
        transfer_id, _, name = request.path.removeprefix(PREFIX).partition("/")
        dead = self._profile.count("expired_status")
        try:
            download = self._engine.open(transfer_id, name, request.remote_addr or "?")
        except LinkDead:
            return _empty(start_response, dead)
        except FileGone:
            return _empty(start_response, 404)
        except BuildFailed as error:
            self._complain(f"a download could not be had: {error}")
            return _empty(start_response, 500)
        return self._serve(request, download, head, start_response)

    def _serve(
        self, request: Request, download: Download, head: bool, start_response: StartResponse
    ) -> Iterable[bytes]:
        size, headers = download.size, self._about(download)
        first, beyond, status = 0, size, 200
        if self._profile.text("range") == "206":
            headers.append(("Accept-Ranges", "bytes"))
            asked = _range(request, size, [value for name, value in headers if name in _VALIDATORS])
            if asked == "none of it":
                download.close(0)
                return _empty(start_response, 416, [("Content-Range", f"bytes */{size}")])
            if isinstance(asked, tuple):
                (first, beyond), status = asked, 206
                headers.append(("Content-Range", f"bytes {first}-{beyond - 1}/{size}"))
        headers.append(("Content-Length", str(beyond - first)))
        if head:
            download.close(0)
            start_response(f"{status} {_REASONS[status]}", headers)
            return []
        start_response(f"{status} {_REASONS[status]}", headers)
        return _Body(download, first, beyond, self._complain)

    def _about(self, download: Download) -> Headers:
        """Return the headers that say what a file is, of which no source shows any but a descriptor's type (0.10)."""
        profile, headers = self._profile, Headers()
        type_ = _TYPES.get(download.name.rpartition(".")[2], profile.text("file_content_type"))
        if type_ != "absent":
            headers.append(("Content-Type", type_))
        if profile.text("transfer_validators") == "present":
            made = f"{download.transfer_id}/{download.name} {download.size} {download.stored_at!r}"
            headers.append(("ETag", f'"{sha256(made.encode()).hexdigest()[:32]}"'))
            headers.append(("Last-Modified", http_date(int(download.stored_at))))
        if profile.text("content_disposition") == "attachment":
            headers.append(("Content-Disposition", f'attachment; filename="{quote(download.name)}"'))
        return headers


class _Body:
    """The bytes of one GET, counted as they leave."""

    def __init__(self, download: Download, first: int, beyond: int, complain: Callable[[str], None]) -> None:
        self._download, self._first, self._length = download, first, beyond - first
        self._complain = complain
        self._sent, self._to_the_end = 0, beyond == download.size

    def __iter__(self) -> Iterator[bytes]:
        download, left = self._download, self._length
        self._from_the_share(lambda: download.file.seek(self._first))
        if left == 0:
            download.last(0, to_the_end=self._to_the_end)
        while left:
            piece = self._from_the_share(partial(download.read, min(PIECE, left)))
            if not piece:
                raise self._cut(f"{download.name} on the share became shorter than it was")
            left -= len(piece)
            if left == 0:
                download.last(self._length, to_the_end=self._to_the_end)
            yield piece
            self._sent += len(piece)

    def _from_the_share(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except OSError as error:
            raise self._cut(f"{self._download.name}: {cause(error)}") from None

    def _cut(self, why: str) -> Cut:
        """Tell why a download is cut short; the client, who has its head already, can only see that it is."""
        self._complain(f"a download was cut: {why}")
        return Cut(why)

    def close(self) -> None:
        """End the GET, however far it came."""
        self._download.close(self._sent)


def _range(request: Request, size: int, validators: list[str]) -> tuple[int, int] | str | None:
    """Return first byte and the one beyond the last, None for the whole file, or that nothing can be given."""
    # Where no validator was handed out, If-Range can match nothing.
    only_if = request.headers.get("If-Range")
    if request.method == "HEAD" or (only_if is not None and only_if not in validators):
        return None
    asked = parse_range_header(request.headers.get("Range"))
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return None
    first, _ = asked.ranges[0]
    if first < 0 and -first >= size:
        # A suffix longer than the file is the whole file, and of an empty one there is no range to speak of.
        return (0, size) if size else None
    return asked.range_for_length(size) or "none of it"


def _empty(start_response: StartResponse, status: int, headers: Headers | None = None) -> Iterable[bytes]:
    start_response(f"{status} {_REASONS[status]}", [*(headers or []), ("Content-Length", "0")])
    return []
