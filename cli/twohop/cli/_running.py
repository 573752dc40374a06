"""What surrounds an export or an import: who logs in, how it is shown, and the exit code that it ends with."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

import click

from ._secrets import password
from ._told import Unsaid, plain

if TYPE_CHECKING:
    from twohop.exporter import VCenterAddress

    from ._show import Show

INTERRUPTED = 130


class Terminated(KeyboardInterrupt):
    """SIGTERM, or a terminal that is gone: they end an export as Ctrl-C does, and the lease is aborted first."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


class Login(Protocol):
    """Where a command logs in, and as whom."""

    @property
    def vcenter(self) -> str | None: ...
    @property
    def user(self) -> str | None: ...
    @property
    def ca_file(self) -> Path | None: ...
    @property
    def thumbprint(self) -> str | None: ...
    @property
    def insecure(self) -> bool: ...
    @property
    def password_fd(self) -> int | None: ...
    @property
    def keyring(self) -> bool: ...


def later(asked: Login) -> Callable[[], VCenterAddress]:
    """Ask for what is missing now, and judge what was given when errors are shown."""
    vcenter, user = (
        needed(asked.vcenter, "--vcenter or TWOHOP_VCENTER_URL"),
        needed(asked.user, "--user or TWOHOP_USER"),
    )
    secret = password("TWOHOP_PASSWORD", user, vcenter, asked.password_fd, asked.keyring)

    def make() -> VCenterAddress:
        from twohop.exporter import VCenterAddress

        return VCenterAddress(vcenter, user, secret, asked.ca_file, asked.thumbprint, asked.insecure)

    return make


def run_shown(export: Callable[[Show], None], as_json: bool, of: str = "export") -> None:
    """Run a command with its events shown; end the process with its code where it fails."""
    from twohop.exporter import ExportError

    from ._show import shown

    with _signals():
        try:
            failed: ExportError | None = None
            with shown(as_json) as show:
                try:
                    export(show)
                except ExportError as error:
                    failed = error
                    show.failed(error.whose, str(error))
            if failed is not None:
                _fail(failed.whose, str(failed), 1)
        except BrokenPipeError:
            raise
        except Unsaid as error:
            _fail("you", f"{error}; what was not finished by then was given up", 1)
        except Exception as error:
            if "TWOHOP_TRACEBACK" in os.environ:
                raise
            _fail("twohop", f"{type(error).__name__}: {error}; this is a bug: report it with TWOHOP_TRACEBACK=1 set", 1)
        except KeyboardInterrupt as stop:
            code = stop.code if isinstance(stop, Terminated) else INTERRUPTED
            _fail("you", f"interrupted; the lease is given up and nothing of the {of} was kept", code)


def needed(value: str | None, where: str) -> str:
    """Return what was given, or say where to give it."""
    if not value:
        raise click.UsageError(f"give {where}")
    return value


def _fail(whose: str, message: str, code: int) -> NoReturn:
    click.echo(plain(f"twohop: {whose}: {message}"), err=True)
    raise SystemExit(code)


@contextmanager
def _signals() -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise Terminated(number)

    # Whoever ignores one, as nohup does, goes on ignoring it.
    heard = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, stop) for each in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
