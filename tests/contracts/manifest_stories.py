"""Stories about the manifest."""

from __future__ import annotations

import hashlib

from contracts.stories import DISK, breaks, keeps, leaves_open
from contracts.synthetic import KEY

SIZE = len(DISK)
SHA1 = hashlib.sha1(DISK, usedforsecurity=False).hexdigest()
SHA256 = hashlib.sha256(DISK).hexdigest()


def entry(key=KEY, *, size=SIZE, sha1=SHA1, kind="sha1", checksum=SHA1):
    chosen = f"<checksum>{checksum}</checksum><checksumType>{kind}</checksumType>" if kind else ""
    return f"<key>{key}</key><sha1>{sha1}</sha1>{chosen}<size>{size}</size><disk>true</disk>"


def sent(wire):
    wire.ready()
    wire.t += 1
    got = wire.disk(DISK)
    wire.t += 1
    return got


# MANIFEST-001


@keeps("MANIFEST-001")
def by_its_key(wire):
    sent(wire)
    wire.manifest(entry())


@breaks("MANIFEST-001")
def by_another_key(wire):
    sent(wire)
    return (wire.manifest(entry("disk-0.vmdk")),)


@breaks("MANIFEST-001")
def twice_by_its_key(wire):
    sent(wire)
    return (wire.manifest(entry(), entry()),)


@keeps("MANIFEST-001")
def twice_by_its_key_as_it_was_sent(wire):
    sent(wire)
    sent(wire)
    wire.manifest(entry(), entry())


@breaks("MANIFEST-001")
def thrice_by_its_key_and_sent_twice(wire):
    sent(wire)
    sent(wire)
    return (wire.manifest(entry(), entry(), entry()),)


@leaves_open("MANIFEST-001")
def no_entries(wire):
    sent(wire)
    wire.manifest()


# MANIFEST-002


@keeps("MANIFEST-002")
def sent_and_there(wire):
    sent(wire)
    wire.manifest(entry())


@breaks("MANIFEST-002")
def sent_and_not_there(wire):
    got = sent(wire)
    return got, wire.manifest()


@breaks("MANIFEST-002")
def not_sent_and_there(wire):
    second = "/vm-1/ParaVirtualSCSIController0:1"
    more = (
        f"<deviceUrl><key>{second}</key><importKey></importKey><url>https://esx:443/nfc/ticket:1/disk-1.vmdk</url>"
        "<sslThumbprint></sslThumbprint><disk>true</disk></deviceUrl>"
    )
    wire.export()
    wire.read("ready", info=wire.info().replace("<totalDisk", f"{more}<totalDisk"))
    wire.t += 1
    wire.disk(DISK)
    wire.t += 1
    return (wire.manifest(entry(), entry(second)),)


@leaves_open("MANIFEST-002")
def before_the_first_transfer(wire):
    wire.ready()
    wire.manifest(entry())


@leaves_open("MANIFEST-002")
def a_transfer_that_was_cut(wire):
    wire.ready()
    wire.t += 1
    wire.disk(DISK[:9000], end="cut")
    wire.t += 1
    wire.manifest()


# MANIFEST-003


@keeps("MANIFEST-003")
def as_it_came(wire):
    sent(wire)
    wire.manifest(entry())


@keeps("MANIFEST-003")
def whichever_sha1_beside_a_sha256(wire):
    sent(wire)
    wire.manifest(entry(sha1="", kind="sha256", checksum=SHA256))


@breaks("MANIFEST-003")
def of_another_size(wire):
    got = sent(wire)
    return got, wire.manifest(entry(size=1 << 30))


@breaks("MANIFEST-003")
def of_another_stream(wire):
    got = sent(wire)
    return got, wire.manifest(entry(checksum="0" * 40))


@breaks("MANIFEST-003")
def of_another_stream_in_an_old_manifest(wire):
    got = sent(wire)
    return got, wire.manifest(entry(sha1="0" * 40, kind=""))


@leaves_open("MANIFEST-003")
def while_it_is_being_sent(wire):
    wire.ready()
    wire.manifest(entry(size=5))
    wire.disk(DISK, started=0.0)


# MANIFEST-004


@keeps("MANIFEST-004")
def in_hex(wire):
    sent(wire)
    wire.manifest(entry(kind="sha256", checksum=SHA256))


@breaks("MANIFEST-004")
def of_no_known_type(wire):
    sent(wire)
    return (wire.manifest(entry(kind="sha512")),)


@breaks("MANIFEST-004")
def of_the_wrong_length(wire):
    sent(wire)
    return (wire.manifest(entry(kind="sha256")),)


@leaves_open("MANIFEST-004")
def an_empty_manifest(wire):
    sent(wire)
    wire.manifest()


# MANIFEST-005


@keeps("MANIFEST-005")
def as_chosen(wire):
    wire.ready()
    wire.checksum_type("sha256")
    wire.t += 1
    wire.disk(DISK)
    wire.t += 1
    wire.manifest(entry(kind="sha256", checksum=SHA256))


@breaks("MANIFEST-005")
def not_as_chosen(wire):
    wire.ready()
    asked = wire.checksum_type("sha256")
    wire.t += 1
    wire.disk(DISK)
    wire.t += 1
    return asked, wire.manifest(entry())


@leaves_open("MANIFEST-005")
def chosen_too_late(wire):
    sent(wire)
    wire.checksum_type("sha256")
    wire.manifest(entry())


@leaves_open("MANIFEST-005")
def the_choice_was_refused(wire):
    wire.ready()
    wire.checksum_type("sha256", fault="InvalidState")
    wire.t += 1
    wire.disk(DISK)
    wire.t += 1
    wire.manifest(entry())
