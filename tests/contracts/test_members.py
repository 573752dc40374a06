"""The driver's own reading of an archive agrees with any tar, however it comes in pieces."""

from __future__ import annotations

import hashlib
import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from twohop.contracts.drivers._members import Members

NAMES = st.lists(st.text("abcdefghij.-", min_size=1, max_size=99), max_size=4, unique=True)


def tar(names: list[str], contents: list[bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in zip(names, contents, strict=False):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return written.getvalue()


def read(data: bytes, sizes: list[int]) -> str | None:
    members = Members()
    while data:
        size = sizes.pop() if sizes else len(data)
        members.feed(data[:size])
        data = data[size:]
    return members.digest()


@given(NAMES, st.lists(st.binary(max_size=1500), min_size=4, max_size=4), st.lists(st.integers(1, 2000), max_size=9))
def test_every_member_by_its_digest_in_any_pieces(names: list[str], contents: list[bytes], sizes: list[int]) -> None:
    wanted = [f"{hashlib.sha256(data).hexdigest()} {name}" for name, data in zip(names, contents, strict=False)]
    assert read(tar(names, contents), sizes) == "\n".join(wanted)


@given(st.binary(max_size=3000), st.integers(0, 3000))
def test_what_is_no_archive_or_not_all_of_one_is_none(data: bytes, end: int) -> None:
    whole = tar(["disk.vmdk"], [data])
    end = min(end, 512 + len(data))
    assert read(whole[:end], []) is None
    assert read(b"\x01" + whole[1:156] + b"5" + whole[157:], []) is None
