"""Secrets by reference: what may be written down instead of a ticket, a cookie, a token or a password.

The same secret always gets the same name (`ticket:1`), so that who reads a journal or a history can still follow one
ticket from the lease to the GET. Where secrets stand is known from the protocols: paths, headers and a few elements.

A server names what it has issued and masks the rest (`ticket:?`), since anybody can make up secrets and a name lasts as
long as the table. A client's own eyes name what they see, up to a bound. What a look-up costs does not grow with how
many secrets are known, once they are more than a few.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote
from xml.sax.saxutils import escape

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_PLACES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ticket", re.compile(rf"/(?:ha-)?nfc/({_UUID})")),
    ("transfer", re.compile(r"/transfer/([0-9A-Za-z-]{8,})")),
    ("session", re.compile(r"vmware_soap_session=\\?\"?([0-9A-Za-z-]{8,})")),
    ("token", re.compile(r"vcloud[-_](?:token|jwt|session_id)=([^;\"\s]{8,})")),
    ("credentials", re.compile(r"\b(?:Basic|Bearer) ([0-9A-Za-z+/=._-]{6,})")),
    ("password", re.compile(r"<(?:\w+:)?password\b[^<>]*>([^<]+)</")),
)
_CDATA = re.compile(r"<(?:\w+:)?password\b[^<>]*><!\[CDATA\[(.+?)\]\]>", re.DOTALL)
_QUOTES = {'"': "&quot;", "'": "&apos;"}
_SECRET_HEADERS = {
    "x-vcloud-authorization": "token",
    "x-vmware-vcloud-access-token": "token",
}
LIMIT = 10_000
"""Secrets that are named for the place where they stand; beyond that they are masked."""
FEW = 100
"""Beginnings of secrets that are looked for one after another, which is faster than to look at each place of a text."""
_LEAST = 4
"""Characters below which a word is too common to be told from other text."""
_LONG = 12
"""Characters of a secret that tell it from nearly every other."""


KEPT, SHORT = 256, 128
"""Texts without a secret that are kept, and characters of one beyond which it is not: a few paths come all the time."""


@dataclass(frozen=True, slots=True)
class _Clean:
    """Texts that hold no secret while so many are known."""

    known: int
    texts: set[str] = field(default_factory=set)


class References:
    """A table of secrets and the names that stand for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._seen = 0
        self._clean = _Clean(0)
        # Every form of a secret by its first characters: all by four, then the short by these and the long by twelve.
        self._begins: set[str] = set()
        self._forms: dict[str, tuple[tuple[str, str], ...]] = {}

    def name(self, kind: str, secret: str) -> str:
        """Return the name of a secret, such as `ticket:1`, giving it one at first sight."""
        with self._lock:
            return self._named(kind, secret)

    def scrub(self, text: str) -> str:
        """Return `text` with every secret in it, known or recognisable by its place, replaced by its name.

        A secret not seen before gets a name while there are fewer than `LIMIT` of them, and is masked afterwards.
        """
        return self._replaced(text, self._observed)

    def mask(self, text: str) -> str:
        """Return `text` with every secret in it replaced: a known one by its name, another by its kind and `?`."""
        clean = self._clean
        if clean.known != len(self._names) or len(clean.texts) >= KEPT:
            clean = self._clean = _Clean(len(self._names))
        if text in clean.texts:
            return text
        masked = self._replaced(text, self._masked)
        if masked == text and len(text) <= SHORT:
            clean.texts.add(text)
        return masked

    def header(self, name: str, value: str) -> str:
        """Return the value of an HTTP header as it may be written down."""
        kind = _SECRET_HEADERS.get(name.lower())
        return self._observed(kind, value) if kind else self.scrub(value)

    def _named(self, kind: str, secret: str) -> str:
        known = self._names.get(secret)
        if known is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            known = f"{kind}:{self._counts[kind]}"
            # Found before it counts: the number of names tells which texts were looked through for all of them.
            self._index(secret, known)
            self._names[secret] = known
        return known

    def _observed(self, kind: str, secret: str) -> str:
        with self._lock:
            if secret not in self._names:
                if self._seen >= LIMIT:
                    return f"{kind}:?"
                self._seen += 1
            return self._named(kind, secret)

    def _masked(self, kind: str, secret: str) -> str:
        return self._names.get(secret, f"{kind}:?")

    def _index(self, secret: str, name: str) -> None:
        # What is written down may be the secret as it travels in XML, in a URL or in JSON.
        forms = {
            secret, escape(secret), escape(secret, _QUOTES), quote(secret, safe=""), json.dumps(secret)[1:-1],
        }  # fmt: skip
        for form in forms:
            if len(form) >= _LEAST:
                key = form[: _LONG if len(form) >= _LONG else _LEAST]
                found = (*self._forms.get(key, ()), (form, name))
                self._forms[key] = tuple(sorted(found, key=lambda pair: len(pair[0]), reverse=True))
                self._begins.add(form[:_LEAST])

    def _replaced(self, text: str, call: Callable[[str, str], str]) -> str:
        spans = sorted(self._placed(text, call), key=lambda span: (span[0], -span[1]))
        shown, at = [], 0
        for start, end, name in spans:
            if end > at:
                shown += [self._known(text[at:start]), name]
                at = end
        return "".join((*shown, self._known(text[at:])))

    @staticmethod
    def _placed(text: str, call: Callable[[str, str], str]) -> Iterator[tuple[int, int, str]]:
        for kind, pattern in _PLACES:
            for match in pattern.finditer(text):
                yield match.start(1), match.end(1), call(kind, match.group(1))
        # Only as far as a section ends: looking for an end that is not there would be done again at each beginning.
        for match in _CDATA.finditer(text, 0, text.rfind("]]>") + 3):
            yield match.start(1), match.end(1), call("password", match.group(1))

    def _known(self, text: str) -> str:
        forms = self._forms
        shown, kept = [], 0
        for at in self._beginnings(text):
            if at < kept:
                continue
            candidates = (*forms.get(text[at : at + _LONG], ()), *forms.get(text[at : at + _LEAST], ()))
            found = next((pair for pair in candidates if text.startswith(pair[0], at)), None)
            if found is not None:
                shown += [text[kept:at], found[1]]
                kept = at + len(found[0])
        return "".join((*shown, text[kept:])) if shown else text

    def _beginnings(self, text: str) -> Iterable[int]:
        """Return the places at which a secret may begin, in order; within other letters too, as behind a %2F."""
        begins = self._begins
        if len(begins) > FEW:
            return (at for at in range(len(text) - _LEAST + 1) if text[at : at + _LEAST] in begins)
        return sorted(at for begin in tuple(begins) for at in _all_of(begin, text))


def _all_of(word: str, text: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        # The next one may overlap it.
        at = text.find(word, at + 1)
