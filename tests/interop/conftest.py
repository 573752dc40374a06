"""One `twohop serve` for the clients that leave the world as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from interop.support import served


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of a running vCenter with two machines, and of a cell."""
    with served(tmp_path_factory.mktemp("serve"), "--cell") as environment:
        yield environment
