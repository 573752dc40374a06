"""Stories about imports."""

from __future__ import annotations

import hashlib

from contracts.stories import DISK, breaks, keeps, leaves_open
from contracts.synthetic import LEASE

KEY = "/vm-9/VirtualLsiLogicController0:0"
IMPORT_KEY = "/new/VirtualLsiLogicController0:0"
SIZE = len(DISK)
SHA1 = hashlib.sha1(DISK, usedforsecurity=False).hexdigest()


def info(*import_keys):
    devices = "".join(
        f"<deviceUrl><key>/vm-9/VirtualLsiLogicController0:{n}</key><importKey>{key}</importKey>"
        f"<url>https://esx:443/nfc/ticket:1/disk-{n}.vmdk</url><sslThumbprint></sslThumbprint><disk>true</disk>"
        f"<targetId>disk-{n}.vmdk</targetId></deviceUrl>"
        for n, key in enumerate(import_keys)
    )
    return (
        f'<lease type="HttpNfcLease">{LEASE}</lease><entity type="VirtualMachine">vm-9</entity>{devices}'
        "<totalDiskCapacityInKB>1024</totalDiskCapacityInKB><leaseTimeout>300</leaseTimeout>"
    )


def begun(wire, *import_keys):
    wire.soap("ImportVApp", "ResourcePool", "resgroup-1", result=f'<returnval type="HttpNfcLease">{LEASE}</returnval>')
    wire.t += 1
    seen = wire.read("ready", info=info(*(import_keys or (IMPORT_KEY,))))
    wire.t += 1
    return seen


def posted(wire, body=DISK, *, status=200, method="POST"):
    made = wire.upload("https://esx:443/nfc/ticket:1/disk-0.vmdk", body, status=status, method=method)
    wire.t += 1
    return made


def look(wire, **more):
    wire.t += 1
    return wire.soap(
        "Fetch", "VirtualMachine", "vm-9", "<prop>name</prop>", result="<returnval>new</returnval>", **more
    )


def entry(size=SIZE, sha1=SHA1):
    return f"<key>{KEY}</key><sha1>{sha1}</sha1><size>{size}</size><disk>true</disk>"


# IMPORT-001


@keeps("IMPORT-001")
def a_key_for_each(wire):
    begun(wire, IMPORT_KEY, "/new/nvram")


@breaks("IMPORT-001")
def no_key(wire):
    return (begun(wire, ""),)


@breaks("IMPORT-001")
def one_key_twice(wire):
    return (begun(wire, IMPORT_KEY, IMPORT_KEY),)


@leaves_open("IMPORT-001")
def an_export_has_none(wire):
    wire.ready()


# IMPORT-002


@keeps("IMPORT-002")
def a_disk_is_taken(wire):
    begun(wire)
    posted(wire, status=201)


@breaks("IMPORT-002")
def a_disk_is_refused(wire):
    return begun(wire), posted(wire, status=405)


@leaves_open("IMPORT-002")
def a_disk_that_is_cut(wire):
    begun(wire)
    posted(wire, DISK[:-512], status=500)


@leaves_open("IMPORT-002")
def a_disk_that_is_put(wire):
    begun(wire)
    posted(wire, method="PUT", status=405)


# IMPORT-003


@keeps("IMPORT-003")
def the_manifest_is_what_was_sent(wire):
    begun(wire)
    posted(wire)
    wire.manifest(entry())


@breaks("IMPORT-003")
def the_manifest_has_it_not(wire):
    begun(wire)
    return posted(wire), wire.manifest()


@breaks("IMPORT-003")
def the_manifest_has_another_digest(wire):
    begun(wire)
    return posted(wire), wire.manifest(entry(sha1="0" * 40))


@breaks("IMPORT-003")
def the_manifest_has_another_size(wire):
    begun(wire)
    return posted(wire), wire.manifest(entry(size=1))


@leaves_open("IMPORT-003")
def nothing_was_sent(wire):
    begun(wire)
    wire.manifest()


@leaves_open("IMPORT-003")
def it_was_sent_twice(wire):
    begun(wire)
    posted(wire)
    posted(wire)
    wire.manifest(entry())


# IMPORT-004


@keeps("IMPORT-004")
def gone_after_the_abort(wire):
    begun(wire)
    wire.abort()
    look(wire, fault="ManagedObjectNotFound")


@breaks("IMPORT-004")
def there_after_the_abort(wire):
    begun(wire)
    return wire.abort(), look(wire)


@leaves_open("IMPORT-004")
def there_before_the_abort(wire):
    begun(wire)
    look(wire)
    wire.t += 1
    wire.abort()


@leaves_open("IMPORT-004")
def an_abort_that_was_refused(wire):
    begun(wire)
    wire.abort(fault="InvalidState")
    look(wire)


@leaves_open("IMPORT-004")
def a_look_without_a_session(wire):
    begun(wire)
    wire.abort()
    look(wire, fault="NotAuthenticated")


# IMPORT-005


@keeps("IMPORT-005")
def there_after_the_end(wire):
    begun(wire)
    wire.complete()
    look(wire)


@breaks("IMPORT-005")
def gone_after_the_end(wire):
    begun(wire)
    return wire.complete(), look(wire, fault="ManagedObjectNotFound")


@leaves_open("IMPORT-005")
def destroyed_after_the_end(wire):
    begun(wire)
    wire.complete()
    wire.t += 1
    wire.change("Destroy_Task", vm="vm-9")
    look(wire, fault="ManagedObjectNotFound")


# IMPORT-006


@keeps("IMPORT-006")
def power_is_refused(wire):
    begun(wire)
    wire.power_on("vm-9", fault="TaskInProgress")


@breaks("IMPORT-006")
def power_is_granted(wire):
    seen = begun(wire)
    asked = wire.power_on("vm-9")
    wire.t += 1
    return seen, asked, wire.task("success")


@leaves_open("IMPORT-006")
def power_of_another(wire):
    begun(wire)
    wire.power_on("vm-1")
    wire.t += 1
    wire.task("success")


@leaves_open("IMPORT-006")
def power_after_the_end(wire):
    begun(wire)
    wire.complete()
    wire.t += 1
    wire.power_on("vm-9")
    wire.t += 1
    wire.task("success")


# IMPORT-007


@keeps("IMPORT-007")
def nothing_is_given_out(wire):
    begun(wire)
    wire.disk(b"", status=405)


@breaks("IMPORT-007")
def a_disk_is_given_out(wire):
    return begun(wire), wire.disk(DISK)


@leaves_open("IMPORT-007")
def an_export_gives_out(wire):
    wire.ready()
    wire.disk(DISK)
