"""Ways to spoil what was right: documents by their tree, images by their sectors, anything by its bytes."""

from __future__ import annotations

import copy
import random
import struct
from typing import Any

from lxml import etree

NUMBERS = [0, 1, 2, 127, 128, 511, 512, 513, 0xFFFF, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, (1 << 64) - 1]
WORDS = [
    "",
    " ",
    "0",
    "-1",
    "1",
    "4",
    "17",
    "1e9",
    "9" * 30,
    "9" * 5000,
    "byte * 2^30",
    "byte * 2^9999999",
    "byte * 10^999999",
    "ovf:/disk/vmdisk1",
    "ovf:/disk/",
    "ovf:/file/x",
    "../../x",
    "/etc/passwd",
    "a\\b",
    "C:\\x",
    "x" * 5000,
    "\u202e",
    "é",
    "٣",
    "true",
    "yes",
    "lsilogic",
    "VirtualSCSI",
    "E1000",
    "http://127.0.0.1:1/x",
    "file:///etc/passwd",
    "${x}",
    "%s%s",
    "1_0",
    "MegaBytes",
    "GigaBytes",
    "hertz * 10^6",
    "vmx-99",
    "vmx-",
    "dmtf:x86:64",
    "2147483648",
    "1 2",
    "\t\n",
]


def document(data: bytes, rng: random.Random) -> bytes:
    """A document with some elements and attributes left out, doubled, moved, renamed or filled with something else."""
    root: Any = etree.fromstring(data, etree.XMLParser(remove_comments=True, resolve_entities=False))
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        rows = [row for row in root.iter() if isinstance(row.tag, str)]
        row, other = rng.choice(rows), rng.choice(rows)
        change = rng.randrange(9)
        if change == 0 and row is not root:
            row.getparent().remove(row)
        elif change == 1 and row is not root:
            row.addnext(copy.deepcopy(row))
        elif change == 2 and other is not root and row not in other.iter():
            row.append(other)
        elif change == 3:
            row.text = rng.choice(WORDS)
        elif change == 4 and row.attrib:
            row.set(rng.choice(list(row.attrib)), rng.choice(WORDS))
        elif change == 5 and row.attrib:
            del row.attrib[rng.choice(list(row.attrib))]
        elif change == 6:
            row.tag = rng.choice([other.tag, "x", "{urn:x}x", etree.QName(row).localname])
        elif change == 7 and other.attrib:
            name = rng.choice(list(other.attrib))
            row.set(name, other.get(name))
        elif change == 8:
            row.extend(copy.deepcopy(list(other))[:4])
    made: bytes = etree.tostring(root, xml_declaration=True, encoding=rng.choice(["UTF-8"] * 9 + ["UTF-16"]))
    return made if rng.random() < 0.9 else bytes_(made, rng)


def image(data: bytes, rng: random.Random) -> bytes:
    """A disk image with fields, sectors or its length changed."""
    made = bytearray(data)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 5])):
        sectors = max(1, len(made) // 512)
        at = 512 * rng.choice([0, 0, rng.randrange(sectors), sectors - 1, max(0, sectors - 2), max(0, sectors - 3)])
        change = rng.randrange(7)
        if change == 0:
            field = at + 4 * rng.randrange(20)
            made[field : field + 8] = struct.pack("<Q", rng.choice(NUMBERS))
        elif change == 1:
            field = at + 4 * rng.randrange(20)
            made[field : field + 4] = struct.pack("<I", rng.choice(NUMBERS) & 0xFFFFFFFF)
        elif change == 2:
            del made[rng.randrange(len(made) + 1) :]
        elif change == 3:
            other = 512 * rng.randrange(sectors)
            made[at : at + 512] = made[other : other + 512]
        elif change == 4:
            made[at:at] = made[at : at + 512 * rng.randrange(4)]
        elif change == 5:
            del made[at : at + 512 * rng.randrange(1, 4)]
        else:
            made = bytearray(bytes_(bytes(made), rng))
    return bytes(made)


def bytes_(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, left out or put in."""
    made = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(len(made) + 1)
        length = rng.choice([0, 1, 1, 2, 8, 64])
        made[at : at + rng.choice([0, length])] = rng.randbytes(length)
    return bytes(made)
