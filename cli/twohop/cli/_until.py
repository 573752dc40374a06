"""Serving until somebody stops it: signals, the control port, the variables of clients, and the files that tell."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._environment import write_environment

if TYPE_CHECKING:
    from twohop.runtime.control import WorldKeeper


def serving_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --control-port, --env-file and --ready-file."""
    file = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option("--ready-file", type=file, help="Appears once every port answers."),
        click.option("--env-file", type=file, help="Write the variables here as well."),
        click.option(
            "--control-port", type=click.IntRange(0, 65535), default=0, help="Port of the control API; 0 picks one."
        ),
    ):
        command = option(command)
    return command


class Until:
    """A command that serves until Ctrl-C, SIGTERM or the end of its terminal; the files that it wrote go with it."""

    def __init__(self, control_port: int, env_file: Path | None, ready_file: Path | None) -> None:
        self._port, self._env_file, self._ready_file = control_port, env_file, ready_file
        self._made: list[Path] = []

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear the signals from here on, so that whatever starts inside is stopped in order."""
        # A handler in Python runs between any two lines of the main thread, a wait for the same event among them, and
        # only once that thread moves. A byte in a pipe is there whichever thread the signal met, and whenever.
        self._told, tell = os.pipe()
        os.set_blocking(tell, False)
        before = signal.set_wakeup_fd(tell)
        heard = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            # A terminal that goes takes the servers with it, unless nohup started them.
            heard.append(signal.SIGHUP)
        for number in heard:
            signal.signal(number, lambda *_: None)
        if self._ready_file is not None:
            # One that an earlier run left behind would say so too soon.
            self._ready_file.unlink(missing_ok=True)
        try:
            yield
        finally:
            for path in self._made:
                path.unlink(missing_ok=True)
            signal.set_wakeup_fd(before)
            os.close(tell)
            os.close(self._told)

    def serve(self, keeper: WorldKeeper, environment: Mapping[str, str]) -> None:
        """Open the control port, say where the servers are, and return when somebody has had enough."""
        from twohop.runtime.control import ControlApp
        from twohop.runtime.serving import HttpServer

        control = HttpServer(ControlApp(keeper), name="control", port=self._port).start()
        try:
            values = {**environment, "TWOHOP_CONTROL_URL": control.url}
            if self._env_file is not None:
                self._made.append(self._env_file)
                write_environment(self._env_file, values)
            if self._ready_file is not None:
                self._made.append(self._ready_file)
                self._ready_file.write_text("ready\n")
            write_environment(sys.stdout, values)
            self.wait()
        finally:
            control.stop()

    def wait(self) -> None:
        """Return once a signal has come since `heard` began."""
        os.read(self._told, 1)
