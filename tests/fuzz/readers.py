"""What reads packages: disks and descriptors, on both sides. Their own errors are answers, any other is a defect."""

from __future__ import annotations

import hashlib
import os
import random
import struct
import zlib
from collections.abc import Iterator
from functools import cache

from fuzz import damage
from soap_wire import Wire
from twohop.exporter._errors import BadPackage
from twohop.exporter.package import StreamChecker, StreamFault, merge_descriptors, parse_manifest
from twohop.exporter.package import read_descriptor as read_ours
from twohop.fakes.ovf import PackageError
from twohop.fakes.ovf import read_descriptor as read_theirs
from twohop.fakes.ovf._package import LARGEST
from twohop.fakes.vmdk import Intake, VmdkError, received
from vcenters import make, small_world
from vmdk_images import GRAIN, header, write


def checked(data: bytes) -> str | None:
    """Read a stream as the exporter does, at once and in pieces; return the digest of its content where it is whole."""
    found = []
    for inflate, piece in ((False, len(data) or 1), (True, 700)):
        checker = StreamChecker(inflate=inflate)
        try:
            for at in range(0, len(data), piece):
                checker.feed(data[at : at + piece])
            summary = checker.close()
        except StreamFault as fault:
            found.append((fault.rule, None))
        else:
            found.append((None, summary.digest))
    # Whoever inflates sees more, and never less.
    assert not (found[0][0] is not None and found[1][0] is None), found
    digest = found[1][1]
    return digest.hexdigest if digest is not None else None


def taken(data: bytes) -> str | None:
    """Read a stream as the host of an import does; return the digest of its content where it is a disk."""
    capacity = struct.unpack_from("<Q", data, 12)[0] * 512 if len(data) >= 512 else 0
    if capacity > LARGEST:
        # No descriptor of an import says so, and a host takes no other disk than the descriptor's.
        return None
    intake = Intake(capacity)
    try:
        for at in range(0, len(data), 700):
            intake.feed(data[at : at + 700])
        intake.finish()
        descriptor = os.memfd_create("fuzz")
        try:
            os.write(descriptor, data)
            content = received(os.dup(descriptor), "disk", intake.end)
        finally:
            os.close(descriptor)
        digest = hashlib.sha256()
        for number, squeezed in content.grains():
            held = zlib.decompress(squeezed)
            assert len(held) == GRAIN
            inside = min(GRAIN, capacity - number * GRAIN)
            held = held[:inside].ljust(GRAIN, b"\0")
            if any(held):
                digest.update(struct.pack("<Q", number) + hashlib.sha256(held).digest())
        digest.update(struct.pack("<Q", capacity))
        return digest.hexdigest()
    except (VmdkError, zlib.error):
        return None


def vmdk(data: bytes) -> None:
    """Read a disk with both; where both take it, it is the same disk to both."""
    ours, theirs = checked(data), taken(data)
    assert ours is None or theirs is None or ours == theirs, (ours, theirs)


def ovf(data: bytes) -> None:
    """Read a descriptor with both, and merge it with itself as the cell does with several."""
    try:
        read_theirs(data)
    except PackageError as error:
        assert error.fault.startswith("Ovf")
    for read in (read_ours, lambda text: merge_descriptors("x", [text])):
        try:
            read(data)
        except BadPackage:
            pass


def manifest(data: bytes) -> None:
    """Read a manifest."""
    try:
        parse_manifest(data)
    except BadPackage:
        pass


@cache
def descriptors() -> tuple[bytes, ...]:
    """Descriptors as the fakes write them, of machines of several kinds."""
    world = small_world(vms=2, hosts=1, disks=2)
    world["datacenters"][0]["vms"][1]["power"] = "off"
    with make(world=world) as vc, Wire(vc) as client:
        client.login()
        found = []
        for vm in ("VM0", "VM1"):
            answer = client.call(
                "CreateDescriptor", "OvfManager", "OvfManager",
                f'<obj type="VirtualMachine">{client.moid("Vm", vm)}</obj><cdp><name>x</name></cdp>',
            )  # fmt: skip
            found.append(answer.texts("ovfDescriptor")[0].encode())
    return tuple(found)


@cache
def images() -> tuple[bytes, ...]:
    """Streams of small disks, with tables in every place, with and without a descriptor of the disk within."""
    noise = hashlib.shake_128(b"x").digest(70_000)
    disks = [
        b"\x01" * 512,
        noise.ljust(200_192, b"\0"),
        (bytes(GRAIN) + b"text " * 30_000)[: 3 * GRAIN],
        bytes(1 << 20),
    ]
    found = []
    for raw in disks:
        for tables in ("behind", "front", "patched"):
            written = write(raw, tables=tables)
            found.append(written.data)
            if tables != "front":
                found.append(_described(written.data, written.parts.get("footer")))
    return (*found, header(128, 128, 1), header((1 << 40) // 512, 128, (1 << 64) - 1))


def _described(data: bytes, footer: int | None) -> bytes:
    made = bytearray(data)
    text = b'# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\ncreateType="streamOptimized"\n'
    made[512 : 512 + len(text)] = text
    for at in (0, *([footer + 512] if footer is not None else [])):
        struct.pack_into("<QQ", made, at + 28, 1, 1)
    return bytes(made)


LINES = [b"SHA256(a.vmdk)= " + b"0" * 64, b"SHA1(b)= " + b"F" * 40, b"SHA512(c d)= " + b"1" * 128, b"", b"SHA256(a)=x"]


def inputs(kind: str, rng: random.Random) -> Iterator[bytes]:
    """Inputs of one kind, without end."""
    while True:
        if kind == "vmdk":
            yield damage.image(rng.choice(images()), rng)
        elif kind == "ovf":
            yield damage.document(rng.choice(descriptors()), rng)
        else:
            yield damage.bytes_(b"\n".join(rng.choices(LINES, k=4)), rng)
