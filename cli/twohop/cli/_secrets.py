"""Where a password comes from: a file descriptor, the keyring, the environment, a prompt; never an argument."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

MOST = 64 << 10
"""Bytes of a secret that are read."""
SERVICE = "twohop"
"""The name under which the keyring keeps passwords; the account is USER@HOST, with the port where the URL has one."""

F = TypeVar("F", bound=Callable[..., Any])


def password_options(command: F) -> F:
    """Add the options that say where the password comes from."""
    command = click.option(
        "--password-fd", type=click.IntRange(0), metavar="N", help="Read the password from this open file descriptor."
    )(command)
    return click.option(
        "--keyring",
        is_flag=True,
        help=f"Take the password from the keyring: service {SERVICE}, account USER@HOST.",
    )(command)


def password(variable: str, user: str, server: str, fd: int | None, keyring: bool) -> str:
    """Return the password of `user` at `server`: from `fd` or the keyring if so told, else from `variable`, else asked.

    Raises UsageError where it cannot be had.
    """
    if fd is not None and keyring:
        raise click.UsageError("give --password-fd or --keyring, not both")
    if fd is not None:
        return _from_fd(fd)
    if keyring:
        return _from_keyring(user, server)
    if variable in os.environ:
        return os.environ[variable]
    who = f"{user} at {server}"
    if not sys.stdin.isatty():
        raise click.UsageError(f"no password for {who}: set {variable}, since there is no terminal to ask at")
    return str(click.prompt(f"Password of {who}", hide_input=True, err=True))


def _from_fd(fd: int) -> str:
    try:
        with os.fdopen(os.dup(fd), "rb") as file:
            data = file.read(MOST)
    except OSError as error:
        raise click.UsageError(f"no password from file descriptor {fd}: {error.strerror}") from None
    text = data.decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")
    if not text:
        raise click.UsageError(f"no password from file descriptor {fd}: it is empty")
    return text


def _from_keyring(user: str, server: str) -> str:
    try:
        # A package of its own, which few machines without a desktop have.
        library = importlib.import_module("keyring")
    except ImportError:
        raise click.UsageError("no keyring here: install the package `keyring`, or set the variable") from None
    # Whether somebody writes https:// in front is no other account.
    account = f"{user}@{urlsplit(server if '://' in server else f'https://{server}').netloc}"
    try:
        found = library.get_password(SERVICE, account)
    except Exception as error:
        raise click.UsageError(f"the keyring does not answer: {type(error).__name__}: {error}") from None
    if not found:
        raise click.UsageError(f"the keyring has no password: set one by `keyring set {SERVICE} {account}`")
    return str(found)
