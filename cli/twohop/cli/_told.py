"""Words for whoever watches, in which nothing that a server or a package chose does anything to a terminal."""

from __future__ import annotations

import os
import sys
import unicodedata
from typing import TextIO

import click


class Unsaid(Exception):
    """Nobody can be told what happens: standard output or standard error takes no more."""


def plain(text: str) -> str:
    """Return `text` without what moves a cursor, changes colours or turns writing round; lines stay lines."""
    return "".join(each if each == "\n" or each.isprintable() else _instead(each) for each in text)


def told(text: str, *, err: bool = False) -> None:
    """Write a line; raise Unsaid where it cannot be written, and BrokenPipeError where whoever read it has gone."""
    try:
        click.echo(plain(text), err=err)
    except BrokenPipeError:
        raise
    except OSError as error:
        hushed(sys.stderr if err else sys.stdout)
        raise Unsaid(f"standard {'error' if err else 'output'} takes no more: {error.strerror or error}") from error


def hushed(stream: TextIO) -> None:
    """Send what is still to be written nowhere, or Python fails once more at exit with a code of its own, 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _instead(character: str) -> str:
    return " " if unicodedata.category(character).startswith("Z") or character == "\t" else "\ufffd"
