"""One `twohop serve` for the clients that leave the world as they found it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from interop.support import DRIVEN, served


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of a running vCenter with two machines, and of a cell."""
    with served(tmp_path_factory.mktemp("serve"), "--cell") as environment:
        yield environment


@pytest.fixture(autouse=True)
def clients(record_property: Callable[[str, object], None]) -> Iterator[None]:
    """Put the clients that a test drove into its report; `docs/clients.md` is made from that."""
    DRIVEN.clear()
    yield
    for row in dict.fromkeys(DRIVEN):
        record_property("client", " | ".join(row))
