"""What a stranger's XML names is never opened, whatever the parser behind would do."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from twohop.exporter import _xml
from twohop.exporter._xml import parse

CANARY = "canary-7c1f"
IN_OPEN = 0x20

BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'
DOCUMENTS = (
    '<!DOCTYPE a [<!ENTITY e SYSTEM "{}">]><a>&e;</a>',
    '<!DOCTYPE a SYSTEM "{}"><a/>',
    '<?xml version="1.0"?><!-- x --><?y z?>\n<!DOCTYPE a PUBLIC "p" "{}"><a/>',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "{}"> %p;]><a/>',
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


@contextmanager
def watched(path: Path) -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether the file has been opened, by the kernel's word."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert fd >= 0 and libc.inotify_add_watch(fd, str(path).encode(), IN_OPEN) >= 0

    def opened() -> bool:
        try:
            return bool(os.read(fd, 4096))
        except BlockingIOError:
            return False

    try:
        yield opened
    finally:
        os.close(fd)


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> Any:
    """lxml's parser with everything allowed, whatever it is asked for."""
    real = etree.XMLParser

    def allowing(**_: object) -> Any:
        return real(resolve_entities=True, no_network=False, load_dtd=True, huge_tree=True)

    monkeypatch.setattr(_xml.etree, "XMLParser", allowing)
    return allowing


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text(f"<!-- {CANARY} -->")
    return path


def test_the_watch_sees_what_a_lenient_parser_opens(secret: Path, lenient: Any) -> None:
    with watched(secret) as opened:
        assert not opened()
        etree.fromstring(DOCUMENTS[1].format(secret.as_uri()).encode(), lenient())
        assert opened()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_file_is_opened_even_by_a_lenient_parser(secret: Path, lenient: Any, document: str, encoding: str) -> None:
    with watched(secret) as opened:
        with pytest.raises(ValueError) as caught:
            parse(document.format(secret.as_uri()).encode(encoding))
        assert not opened()
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_nobody_is_called_even_by_a_lenient_parser(lenient: Any, document: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        with pytest.raises(ValueError, match="declares a document type"):
            parse(document.format(f"http://127.0.0.1:{listener.getsockname()[1]}/x.dtd").encode())
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_no_parser_is_even_made_for_a_document_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_xml.etree, "XMLParser", None)
    with pytest.raises(ValueError, match="declares a document type"):
        parse(BOMB.encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_a_document_without_one_is_read_in_its_encoding(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><!-- <!DOCTYPE a> --><a b="ü"><![CDATA[<!DOCTYPE a>]]></a>'
    root = parse(text.encode(encoding))
    assert (root.get("b"), root.text) == ("ü", "<!DOCTYPE a>")


@pytest.mark.parametrize("document", [b"", b"no", b"<a>", b"<a/><b/>", b"<?xml version='1.0' encoding='utf-7'?><a/>"])
def test_what_is_no_xml_is_refused(document: bytes) -> None:
    with pytest.raises((ValueError, etree.XMLSyntaxError)):
        parse(document)


@pytest.mark.parametrize("encoding", ["UTF-9", "x", "no-such"])
def test_an_encoding_that_nobody_reads_is_no_xml(encoding: str) -> None:
    """Found by the guided fuzz run: the error came out as a LookupError, which no caller takes for a bad package."""
    with pytest.raises(ValueError, match="it is not XML"):
        parse(f'<?xml version="1.0" encoding="{encoding}"?><a/>'.encode())
