"""Reading cassettes: what vcrpy and Ruby's VCR wrote, in any of their ages, to plain exchanges."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from ._loading import load

MOST_BYTES = 256 << 20
"""How long a body may become by unpacking."""


class CassetteError(ValueError):
    """A file that is no cassette; the message is one line that names the file."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was recorded; names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, recorded or of today; names of headers in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded exchange and its place in the cassette, from 0."""

    number: int
    request: Request
    answer: Answer


@dataclass(frozen=True, slots=True)
class Cassette:
    """A recorded session."""

    path: Path
    exchanges: tuple[Recorded, ...]


def read_cassette(path: Path) -> Cassette:
    """Read a cassette of vcrpy (`interactions`) or Ruby's VCR (`http_interactions`); CassetteError where it is none.

    The first versions of both wrote the bare list.
    """
    try:
        data = load(path.read_bytes())
    except OSError as error:
        raise CassetteError(f"{path}: it cannot be read: {error.strerror or error}") from None
    except RecursionError:
        raise CassetteError(f"{path}: it is no cassette: it is nested too deep") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "problem", None) or " ".join(str(error).split())[:120]
        raise CassetteError(f"{path}: it is no cassette: not YAML ({reason})") from None
    rows = data.get("interactions", data.get("http_interactions")) if isinstance(data, dict) else data
    if not isinstance(rows, list) or (rows is data and not _are_exchanges(rows)):
        raise CassetteError(f"{path}: it is no cassette: no list under 'interactions' or 'http_interactions'")
    found = []
    for number, row in enumerate(rows):
        try:
            found.append(_exchange(number, row))
        except _Mangled as error:
            raise CassetteError(f"{path}: it is no cassette: interaction {number} {error}") from None
    return Cassette(path, tuple(found))


def _are_exchanges(rows: list[Any]) -> bool:
    return bool(rows) and all(isinstance(row, Mapping) and {"request", "response"} <= row.keys() for row in rows)


class _Mangled(Exception):
    """Something is wrong in an interaction; the message says what, after its number."""


def _exchange(number: int, row: Any) -> Recorded:
    request, response = (_part(row, name) for name in ("request", "response"))
    uri = _uri(request)
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise _Mangled(f"has a 'uri' that is none: {error}") from None
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    asked, answered = (_headers(each, name) for each, name in ((request, "request"), (response, "response")))
    return Recorded(
        number,
        Request(_word(request, "method").lstrip(":").upper(), path or "/", asked, _body(request.get("body"), asked)),
        Answer(
            _status(response.get("status", response.get("status_code"))), answered,
            _body(response.get("body", response.get("content")), answered),
        ),
    )  # fmt: skip


def _part(row: Any, name: str) -> Mapping[str, Any]:
    value = row.get(name) if isinstance(row, Mapping) else None
    if not isinstance(value, Mapping):
        raise _Mangled(f"lacks {name!r}" if value is None else f"has a {name!r} that is no mapping")
    return value


def _uri(request: Mapping[str, Any]) -> str:
    """Return where a request went; vcrpy before 1.0 wrote the parts."""
    if "uri" in request or not {"host", "path"} <= request.keys():
        return _word(request, "uri")
    return f"{request.get('protocol') or 'https'}://{_word(request, 'host')}{_word(request, 'path')}"


def _word(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if isinstance(value, bytes):
        value = _text_of(value)
    if not isinstance(value, str) or not value.strip():
        raise _Mangled(f"lacks {name!r}" if value is None else f"has a {name!r} that is no text: {str(value)[:60]!r}")
    return value.strip()


def _status(value: Any) -> int:
    """Return a status: a number, a line such as `200 OK`, or under `code`."""
    code = value.get("code") if isinstance(value, Mapping) else value
    words = str(code).split()
    if not words or not words[0].isdigit():
        raise _Mangled("lacks 'status'" if code is None else f"has a 'status' that is no number: {str(code)[:60]!r}")
    return int(words[0])


def _headers(row: Mapping[str, Any], of: str) -> dict[str, str]:
    """Return the headers: a mapping to a value or a list of them, a list of pairs or of lines."""
    given = row.get("headers") or {}
    if isinstance(given, list) and all(isinstance(line, str | bytes) and ":" in _text_of(line) for line in given):
        given = [[part.strip() for part in _text_of(line).split(":", 1)] for line in given]
    if isinstance(given, list) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in given):
        rows: list[tuple[Any, Any]] = [(name, value) for name, value in given]
    elif isinstance(given, Mapping):
        rows = list(given.items())
    else:
        raise _Mangled(f"has 'headers' of its {of} that are no mapping")
    found: dict[str, str] = {}
    for name, value in rows:
        key = _text_of(name).lower()
        values = [found[key]] if key in found else []
        values += [_text_of(each) for each in (value if isinstance(value, list) else [value]) if each is not None]
        found[key] = ", ".join(values)
    return found


def _text_of(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _body(value: Any, headers: Mapping[str, str]) -> str:
    """Return the text of a body: bare, in pieces, under `string`, in base 64, compressed where its header says so."""
    if isinstance(value, Mapping):
        if "base64_string" in value:
            try:
                value = base64.b64decode(_text_of(value["base64_string"] or ""), validate=False)
            except (binascii.Error, ValueError):
                raise _Mangled("has a body that is not in base 64") from None
        else:
            value = value.get("string")
    if isinstance(value, list):
        value = b"".join(each if isinstance(each, bytes) else str(each).encode() for each in value)
    if isinstance(value, str) and value.startswith("\x1f\x8b"):
        # Compressed bytes that were written as if they were letters.
        value = value.encode("latin-1", "replace")
    if isinstance(value, bytes):
        return _unpacked(value, headers.get("content-encoding", "")).decode("utf-8", "replace")
    # A text of JSON may hold half a pair of surrogates, which no encoding has.
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


def _unpacked(data: bytes, encoding: str) -> bytes:
    """Return a body that may be compressed; many recorders unpack it and leave the header."""
    if data.startswith(b"\x1f\x8b"):
        window = 31
    elif encoding.strip().lower() == "deflate" and data[:1] == b"\x78":
        window = 15
    else:
        return data
    try:
        unpacker = zlib.decompressobj(window)
        whole = unpacker.decompress(data, MOST_BYTES)
    except zlib.error:
        raise _Mangled("has a compressed body that is broken") from None
    if unpacker.unconsumed_tail:
        raise _Mangled(f"has a compressed body of more than {MOST_BYTES >> 20} MiB")
    if not unpacker.eof:
        raise _Mangled("has a compressed body that is cut off")
    return whole
