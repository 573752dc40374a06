"""Secrets by reference: what may be written down instead of a ticket, a cookie, a token or a password.

The same secret always gets the same name (`ticket:1`), so that who reads a journal or a history can still follow one
ticket from the lease to the GET. Where secrets stand is known from the protocols: paths, headers and a few elements.
"""

from __future__ import annotations

import json
import re
import threading
from urllib.parse import quote
from xml.sax.saxutils import escape

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_PLACES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ticket", re.compile(rf"/(?:ha-)?nfc/({_UUID})")),
    ("transfer", re.compile(r"/transfer/([0-9A-Za-z-]{8,})")),
    ("session", re.compile(r"vmware_soap_session=\\?\"?([0-9A-Za-z-]{8,})")),
    ("token", re.compile(r"vcloud[-_](?:token|jwt|session_id)=([^;\"\s]{8,})")),
    ("credentials", re.compile(r"\b(?:Basic|Bearer) ([0-9A-Za-z+/=._-]{6,})")),
    ("password", re.compile(r"<(?:\w+:)?password\b[^>]*>([^<]+)</")),
    ("password", re.compile(r"<(?:\w+:)?password\b[^>]*><!\[CDATA\[(.+?)\]\]>", re.DOTALL)),
)
_QUOTES = {'"': "&quot;", "'": "&apos;"}
_SECRET_HEADERS = {
    "x-vcloud-authorization": "token",
    "x-vmware-vcloud-access-token": "token",
}
_TOKEN = re.compile(r"[0-9A-Za-z+/=._-]{8,}")
_LEAST = 4
"""Characters below which a word is too common to be told from other text."""


class References:
    """A table of secrets and the names that stand for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        # Secrets by length, and those that `_TOKEN` does not find, longest first.
        self._lengths: tuple[int, ...] = ()
        self._odd: tuple[tuple[str, str], ...] = ()

    def name(self, kind: str, secret: str) -> str:
        """Return the name of a secret, such as `ticket:1`, giving it one at first sight."""
        with self._lock:
            known = self._names.get(secret)
            if known is None:
                self._counts[kind] = self._counts.get(kind, 0) + 1
                known = self._names[secret] = f"{kind}:{self._counts[kind]}"
                self._index(secret, known)
            return known

    def _index(self, secret: str, name: str) -> None:
        forms = {escape(secret), escape(secret, _QUOTES), quote(secret, safe=""), json.dumps(secret)[1:-1]} - {secret}
        if not _TOKEN.fullmatch(secret):
            forms.add(secret)
        elif len(secret) not in self._lengths:
            self._lengths = tuple(sorted((*self._lengths, len(secret)), reverse=True))
        # What is written down may be the secret as it travels in XML, in a URL or in JSON.
        odd = [*self._odd, *((form, name) for form in forms if len(form) >= _LEAST)]
        self._odd = tuple(sorted(odd, key=lambda pair: len(pair[0]), reverse=True))

    def scrub(self, text: str) -> str:
        """Return `text` with every secret in it, known or recognisable by its place, replaced by its name."""
        for kind, pattern in _PLACES:
            text = pattern.sub(lambda match, kind=kind: self._replace(kind, match), text)  # type: ignore[misc]
        return self._known(text) if self._names else text

    def header(self, name: str, value: str) -> str:
        """Return the value of an HTTP header as it may be written down."""
        kind = _SECRET_HEADERS.get(name.lower())
        return self.name(kind, value) if kind else self.scrub(value)

    def _replace(self, kind: str, match: re.Match[str]) -> str:
        whole, secret = match.group(0), match.group(1)
        start = match.start(1) - match.start(0)
        return whole[:start] + self.name(kind, secret) + whole[start + len(secret) :]

    def _known(self, text: str) -> str:
        names, lengths = self._names, self._lengths

        def look(match: re.Match[str]) -> str:
            token = match.group(0)
            if token in names:
                return names[token]
            # A secret may stand within other letters, as behind an encoded slash, so every place is looked at.
            shown, at, kept = [], 0, 0
            while at < len(token):
                found = next((n for n in lengths if token[at : at + n] in names and n <= len(token) - at), 0)
                if found:
                    shown += [token[kept:at], names[token[at : at + found]]]
                    kept = at = at + found
                else:
                    at += 1
            return "".join((*shown, token[kept:])) if shown else token

        for secret, name in self._odd:
            text = text.replace(secret, name)
        return _TOKEN.sub(look, text) if lengths else text
