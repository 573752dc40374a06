"""The manifest's spelling is the one that vCenter accepts (5.8)."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twohop.exporter import BadPackage
from twohop.exporter.package import ManifestEntry, parse_manifest, safe_name, write_manifest

NAMES = st.text(max_size=300).map(lambda text: safe_name(text, "disk.vmdk"))
ENTRIES = st.builds(
    lambda name, data, algorithm: ManifestEntry(
        name, hashlib.new(algorithm.lower(), data, usedforsecurity=False).hexdigest(), algorithm
    ),
    NAMES,
    st.binary(max_size=8),
    st.sampled_from(["SHA1", "SHA256", "SHA512"]),
)


@given(st.lists(ENTRIES, unique_by=lambda entry: entry.name, max_size=6), st.booleans())
def test_what_was_written_is_read_again(entries: list[ManifestEntry], windows: bool) -> None:
    content = write_manifest(entries)
    assert parse_manifest(content.replace(b"\n", b"\r\n") if windows else content) == tuple(entries)


def test_the_spelling() -> None:
    assert write_manifest([ManifestEntry("vm (1).ovf", "AB" * 32)]) == b"SHA256(vm (1).ovf)= " + b"ab" * 32 + b"\n"


@pytest.mark.parametrize(
    "line",
    [
        "SHA2-256(a)= " + "0" * 64,
        "SHA1 (a)= " + "0" * 40,
        "SHA256(a)=  " + "0" * 64,
        "SHA256(a)= " + "0" * 63,
        "SHA256(a)= " + "0" * 40,
        "MD5(a)= " + "0" * 32,
        "a " + "0" * 64,
        "SHA256()= " + "0" * 64,
    ],
)
def test_spellings_that_vcenter_refuses_are_refused_here(line: str) -> None:
    with pytest.raises(BadPackage, match=r"line 2 of the manifest is .* expected SHA256"):
        parse_manifest(f"SHA256(x)= {'1' * 64}\n{line}\n".encode())


def test_a_file_that_is_listed_twice_is_refused() -> None:
    line = f"SHA256(x)= {'1' * 64}\n".encode()
    with pytest.raises(BadPackage, match="names 'x' again"):
        parse_manifest(line + line)


def test_a_name_that_would_forge_a_line_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        write_manifest([ManifestEntry(f"a)= {'0' * 64}\nSHA256(b", "1" * 64)])
