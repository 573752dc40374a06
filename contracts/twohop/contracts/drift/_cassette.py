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


class _Loader(yaml.SafeLoader):
    """A safe loader that takes the tags which Python 2 left on its strings, and no object."""


def _python_text(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if suffix not in ("unicode", "str", "bytes", "long", "int", "float", "bool", "none"):
        raise yaml.constructor.ConstructorError(None, None, f"the tag python/{suffix} is not taken", node.start_mark)
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a tagged string is no scalar", node.start_mark)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", _python_text)


def read_cassette(path: Path) -> Cassette:
    """Read a cassette of vcrpy (`interactions`) or Ruby's VCR (`http_interactions`); CassetteError where it is none."""
    try:
        data = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506
    except OSError as error:
        raise CassetteError(f"{path}: it cannot be read: {error.strerror or error}") from None
    except RecursionError:
        raise CassetteError(f"{path}: it is no cassette: it is nested too deep") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "problem", None) or " ".join(str(error).split())[:120]
        raise CassetteError(f"{path}: it is no cassette: not YAML ({reason})") from None
    rows = data.get("interactions", data.get("http_interactions")) if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise CassetteError(f"{path}: it is no cassette: no list under 'interactions' or 'http_interactions'")
    found = []
    for number, row in enumerate(rows):
        try:
            found.append(_exchange(number, row))
        except _Mangled as error:
            raise CassetteError(f"{path}: it is no cassette: interaction {number} {error}") from None
    return Cassette(path, tuple(found))


class _Mangled(Exception):
    """Something is wrong in an interaction; the message says what, after its number."""


def _exchange(number: int, row: Any) -> Recorded:
    request, response = (_part(row, name) for name in ("request", "response"))
    uri = _word(request, "uri")
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise _Mangled(f"has a 'uri' that is none: {error}") from None
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    asked, answered = (_headers(each, name) for each, name in ((request, "request"), (response, "response")))
    return Recorded(
        number,
        Request(_word(request, "method").upper(), path or "/", asked, _body(request.get("body"), asked)),
        Answer(_status(response.get("status")), answered, _body(response.get("body"), answered)),
    )


def _part(row: Any, name: str) -> Mapping[str, Any]:
    value = row.get(name) if isinstance(row, Mapping) else None
    if not isinstance(value, Mapping):
        raise _Mangled(f"lacks {name!r}" if value is None else f"has a {name!r} that is no mapping")
    return value


def _word(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
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
    """Return the headers: a mapping to a value or a list of them, or a list of pairs."""
    given = row.get("headers") or {}
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
    return "" if value is None else str(value)


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
