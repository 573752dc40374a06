"""A history as a file: NDJSON, one head line with the format's version, then exchanges and listings by number."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twohop.runtime.observing import BodyDigest, Connection, Exchange, Listing, Request, Response

from ._history import History

FORMAT = 1


class HistoryFormatError(ValueError):
    """A file is no history, or one of a format this version does not read."""


def dump(history: History) -> str:
    """Return a history as NDJSON."""
    declared = {product: dict(values) for product, values in history.declared.items()}
    lines: list[dict[str, Any]] = [{"kind": "history", "v": FORMAT, "declared": declared}]
    records: list[tuple[int, dict[str, Any]]] = []
    records += [(exchange.id, {"kind": "exchange", **exchange.to_json()}) for exchange in history.exchanges]
    records += [(listing.id, {"kind": "listing", **listing.to_json()}) for listing in history.listings]
    lines += [record for _, record in sorted(records, key=lambda record: record[0])]
    return "".join(json.dumps(line) + "\n" for line in lines)


def load(lines: Iterable[str]) -> History:
    """Return the history that NDJSON lines hold.

    Raises HistoryFormatError with the line's number where a line is not what the format says.
    """
    exchanges: list[Exchange] = []
    listings: list[Listing] = []
    declared: dict[str, Any] | None = None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            kind = data.pop("kind")
            if declared is None:
                declared = _head(kind, data)
            elif kind == "exchange":
                exchanges.append(_exchange(data))
            elif kind == "listing":
                entries = tuple((str(path), int(size)) for path, size in data.pop("entries"))
                listings.append(Listing(entries=entries, **data))
            else:
                raise HistoryFormatError(f"a record of kind {kind!r}; this format has exchange and listing")
        except HistoryFormatError as error:
            raise HistoryFormatError(f"line {number}: {error}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise HistoryFormatError(
                f"line {number} is no record of a history ({type(error).__name__}: {error}): "
                "give a file that `History` wrote"
            ) from None
    if declared is None:
        raise HistoryFormatError("the file is empty: a history begins with its head line")
    return History.build(exchanges, listings, declared)


def write(history: History, path: Path) -> None:
    """Write a history to a file."""
    path.write_text(dump(history), "utf-8")


def read(path: Path) -> History:
    """Read a history from a file."""
    with path.open(encoding="utf-8") as lines:
        return load(lines)


def _head(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    if kind != "history" or data.get("v") != FORMAT:
        raise HistoryFormatError(
            f'the head says {kind!r}, version {data.get("v")!r}; this reads kind "history", version {FORMAT}: '
            "take a twohop of the version that wrote it"
        )
    return dict(data.get("declared") or {})


def _exchange(data: dict[str, Any]) -> Exchange:
    request, response = data.pop("request"), data.pop("response")
    conn = Connection(**data.pop("conn"))
    return Exchange(
        conn=conn,
        request=_request(request),
        response=None if response is None else _response(response),
        **data,
    )


def _request(data: dict[str, Any]) -> Request:
    digest = data.pop("digest", None)
    headers = _pairs(data.pop("headers"))
    return Request(headers=headers, digest=None if digest is None else BodyDigest(**digest), **data)


def _response(data: dict[str, Any]) -> Response:
    digest = data.pop("digest")
    headers = _pairs(data.pop("headers"))
    return Response(headers=headers, digest=None if digest is None else BodyDigest(**digest), **data)


def _pairs(headers: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers)
