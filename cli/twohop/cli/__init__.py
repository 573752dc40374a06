"""The `twohop` command: the one place that knows fakes, exporter and contracts alike."""

from ._main import main

__all__ = ["main"]
