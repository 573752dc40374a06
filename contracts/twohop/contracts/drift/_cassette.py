"""Reading cassettes: what vcrpy and Ruby's VCR wrote, in any of their ages, to plain exchanges."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml


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
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "problem", None) or " ".join(str(error).split())[:120]
        raise CassetteError(f"{path}: it is no cassette: not YAML ({reason})") from None
    rows = data.get("interactions", data.get("http_interactions")) if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise CassetteError(f"{path}: it is no cassette: no list under 'interactions' or 'http_interactions'")
    try:
        return Cassette(path, tuple(_exchange(number, row) for number, row in enumerate(rows)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CassetteError(f"{path}: it is no cassette: an interaction lacks {error}") from None


def _exchange(number: int, row: Mapping[str, Any]) -> Recorded:
    request, response = row["request"], row["response"]
    uri = urlsplit(str(request["uri"]))
    path = uri.path + (f"?{uri.query}" if uri.query else "")
    return Recorded(
        number,
        Request(str(request["method"]).upper(), path or "/", _headers(request), _body(request.get("body"))),
        Answer(_status(response["status"]), _headers(response), _body(response.get("body"))),
    )


def _status(value: Any) -> int:
    return int(value["code"] if isinstance(value, dict) else value)


def _headers(row: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, value in (row.get("headers") or {}).items():
        values = value if isinstance(value, list) else [value]
        found[str(name).lower()] = ", ".join(str(each) for each in values if each is not None)
    return found


def _body(value: Any) -> str:
    """Return the text of a body: bare, under `string`, or in base 64."""
    if isinstance(value, dict):
        if "base64_string" in value:
            try:
                value = base64.b64decode(value["base64_string"], validate=False)
            except binascii.Error:
                raise ValueError("a body in base 64") from None
        else:
            value = value.get("string")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)
