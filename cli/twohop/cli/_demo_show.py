"""How a demo run is told: a story with bars on a terminal, or nothing until the document."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from twohop.contracts.clauses import Verdict
from twohop.exporter import BytesMoved, Event, FileDone, FileStarted

from ._clauses import verdict_table
from ._demo_result import DemoResult


class Plain:
    """Tells nothing on the way."""

    def say(self, text: str) -> None:
        """Keep it to oneself."""

    def hop(self, label: str, event: Event) -> None:
        """Show no bar."""

    def end(self, result: DemoResult) -> None:
        """Say nothing at the end either."""

    def __enter__(self) -> Plain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class Story(Plain):
    """Tells the run as it goes, with a bar for every hop."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stdout, highlight=False)
        self._bars = Progress(
            TextColumn("  {task.description:34}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
            console=self._console,
        )  # fmt: skip
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def say(self, text: str) -> None:
        """Tell what happens next."""
        self._bars.console.print(text)

    def hop(self, label: str, event: Event) -> None:
        """Move the bar of a hop."""
        if isinstance(event, FileStarted):
            self._tasks[label, event.key] = self._bars.add_task(label, total=event.total)
        elif isinstance(event, BytesMoved):
            self._bars.update(self._tasks[label, event.key], completed=event.done, total=event.total)
        elif isinstance(event, FileDone):
            self._bars.update(self._tasks[label, event.key], completed=event.size, total=event.size)

    def end(self, result: DemoResult) -> None:
        """Show the tables."""
        console = self._console
        legs = Table("path", "leg", "bytes", "seconds", "grain digest", title="What crossed the wire")
        for number, leg in enumerate(result.legs):
            last = number + 1 == len(result.legs) or result.legs[number + 1].path != leg.path
            digest = result.digests.get(leg.path, "")[:16] if last else ""
            legs.add_row(leg.path, leg.name, f"{leg.bytes:,}", f"{leg.seconds:.3f}", digest)
        console.print(legs)
        console.print(f"Digests equal: {'yes' if result.equal else 'NO'}")
        console.print(verdict_table(result.report))
        for problem in result.problems:
            console.print(f"[red]{problem}[/red]")
        broken = [j for j in result.report.verdicts if j.verdict in (Verdict.BROKEN, Verdict.UNKNOWN)]
        if broken:
            console.print(result.report.story(), markup=False)
        console.print("[green]All of it held.[/green]" if result.held else "[red]Not all of it held.[/red]")

    def __enter__(self) -> Story:
        self._bars.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.__exit__(kind, error, trace)
