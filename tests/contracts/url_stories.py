"""Stories about device URLs."""

from __future__ import annotations

from contracts.stories import DISK, OTHER_PRINT, breaks, keeps, leaves_open
from contracts.synthetic import KEY, LEASE, PRINT

# URL-001


@keeps("URL-001")
def the_host_is_who_it_should_be(wire):
    wire.ready()
    wire.disk(DISK)


@breaks("URL-001")
def another_certificate(wire):
    wire.ready()
    return (wire.disk(DISK, thumbprint=OTHER_PRINT),)


@breaks("URL-001")
def another_certificate_even_when_nothing_was_served(wire):
    wire.ready()
    return (wire.disk(None, status=503, thumbprint=OTHER_PRINT),)


@leaves_open("URL-001")
def no_thumbprint_given(wire):
    wire.export()
    wire.read("ready", info=wire.info(thumbprint=""))
    wire.disk(DISK)


@leaves_open("URL-001")
def nobody_looked_at_the_certificate(wire):
    wire.ready()
    wire.disk(DISK, thumbprint=None)


def entry(key=KEY, *, file="disk-0.vmdk", ticket="ticket:1", host="esx:443", disk=True, target=None, more=""):
    """One more entry of deviceUrl."""
    named = "" if target is None else f"<targetId>{target}</targetId>"
    return (
        f"<deviceUrl><key>{key}</key><importKey></importKey><url>https://{host}/nfc/{ticket}/{file}</url>"
        f"<sslThumbprint></sslThumbprint><disk>{str(disk).lower()}</disk>{named}{more}</deviceUrl>"
    )


def shows(wire, was="", now="", *, add="", lease=LEASE, ticket="ticket:1"):
    """Read a ready lease whose info differs from the usual."""
    info = wire.info(lease, ticket=ticket)
    assert was in info
    text = info.replace(was, now) if was else info
    return wire.read("ready", info=text.replace("<totalDisk", f"{add}<totalDisk"), lease=lease)


SECOND = "/vm-1/ParaVirtualSCSIController0:1"


# URL-002


@keeps("URL-002")
def keys_of_disks_and_of_a_file(wire):
    shows(wire, add=entry("/vm-1/nvram", disk=False, file="disk-1.nvram"))


@breaks("URL-002")
def a_key_of_no_machine(wire):
    return (shows(wire, KEY, "disk-1000-0"),)


@breaks("URL-002")
def a_key_of_another_machine(wire):
    return (shows(wire, KEY, KEY.replace("vm-1", "vm-2")),)


@breaks("URL-002")
def one_key_twice(wire):
    return (shows(wire, add=entry()),)


@leaves_open("URL-002")
def no_info_yet(wire):
    wire.read("initializing")


# URL-003


@keeps("URL-003")
def twice_the_same(wire):
    shows(wire)
    shows(wire)


@breaks("URL-003")
def another_ticket_the_second_time(wire):
    first = shows(wire)
    return first, shows(wire, ticket="ticket:2")


@leaves_open("URL-003")
def seen_only_once(wire):
    shows(wire)


# URL-004


@keeps("URL-004")
def on_a_host_of_a_vcenter(wire):
    shows(wire)


@keeps("URL-004")
def on_a_host_alone(wire):
    shows(wire, "https://esx:443/nfc/", "https://*/ha-nfc/")


@breaks("URL-004")
def a_ticket_to_be_guessed(wire):
    return (shows(wire, ticket="7"),)


@breaks("URL-004")
def without_tls(wire):
    return (shows(wire, "https:", "http:"),)


@leaves_open("URL-004")
def a_machine_without_disks(wire):
    text = wire.info()
    wire.read("ready", info=text[: text.index("<deviceUrl>")] + text[text.index("<totalDisk") :])


# URL-005


@keeps("URL-005")
def hex_with_colons(wire):
    shows(wire)


@keeps("URL-005")
def no_thumbprint_is_needed(wire):
    shows(wire, PRINT, "")


@breaks("URL-005")
def lower_case(wire):
    return (shows(wire, PRINT, PRINT.lower()),)


@breaks("URL-005")
def the_member_is_missing(wire):
    return (shows(wire, f"<sslThumbprint>{PRINT}</sslThumbprint>", ""),)


@leaves_open("URL-005")
def not_yet_shown(wire):
    wire.read("initializing")


# URL-006


@keeps("URL-006")
def there_and_empty(wire):
    shows(wire)


@breaks("URL-006")
def not_there(wire):
    return (shows(wire, "<importKey></importKey>", ""),)


@breaks("URL-006")
def as_of_an_import(wire):
    return (shows(wire, "<importKey>", "<importKey>/vm/VirtualLsiLogicController0:0"),)


@leaves_open("URL-006")
def not_seen_so_far(wire):
    wire.read("initializing")


# URL-007


@keeps("URL-007")
def a_size_for_the_other_file(wire):
    shows(wire, add=entry("/vm-1/nvram", disk=False, file="disk-1.nvram", more="<fileSize>8684</fileSize>"))


@breaks("URL-007")
def a_size_for_the_disk(wire):
    return (shows(wire, "</targetId>", "</targetId><fileSize>1073741824</fileSize>"),)


@leaves_open("URL-007")
def no_files_seen(wire):
    wire.read("initializing")


# URL-008


@keeps("URL-008")
def disks_have_targets_and_others_not(wire):
    shows(wire, add=entry("/vm-1/nvram", disk=False, file="disk-1.nvram"))


@breaks("URL-008")
def a_disk_without_target(wire):
    return (shows(wire, "<targetId>disk-0.vmdk</targetId>", ""),)


@breaks("URL-008")
def an_iso_with_a_target(wire):
    return (
        shows(wire, add=entry("/vm-1/VirtualIDEController1:0", disk=False, file="disk-1.iso", target="disk-1.iso")),
    )


@leaves_open("URL-008")
def nothing_shown(wire):
    wire.read("initializing")


# URL-009


@keeps("URL-009")
def the_iso_was_first(wire):
    shows(wire, "disk-0.vmdk", "disk-1.vmdk", add=entry("/vm-1/VirtualIDEController1:0", disk=False, file="disk-0.iso"))


@breaks("URL-009")
def named_after_the_machine(wire):
    return (shows(wire, "disk-0.vmdk", "photon.vmdk"),)


@breaks("URL-009")
def counted_from_one(wire):
    return (shows(wire, "disk-0.vmdk", "disk-1.vmdk"),)


@leaves_open("URL-009")
def an_old_client_cannot_tell_disks(wire):
    shows(wire, "<disk>true</disk>", "")


# URL-010


@keeps("URL-010")
def the_sum_of_all(wire):
    wire.hardware(1048576)
    wire.ready()


@breaks("URL-010")
def the_sum_of_some(wire):
    read = wire.hardware(1048576, 1024)
    wire.ready()
    return read, wire.exchanges[-1].id


@leaves_open("URL-010")
def nobody_looked_at_the_hardware(wire):
    wire.ready()


@leaves_open("URL-010")
def a_disk_was_added_meanwhile(wire):
    wire.hardware(1024)
    wire.change("ReconfigVM_Task")
    wire.ready()


# URL-011


@keeps("URL-011")
def both_disks_are_there(wire):
    wire.hardware(4096, 4096)
    wire.export()
    shows(wire, add=entry(SECOND, file="disk-1.vmdk"))


@breaks("URL-011")
def one_disk_is_missing(wire):
    read = wire.hardware(4096, 4096)
    wire.export()
    return read, shows(wire)


@breaks("URL-011")
def one_is_on_another_unit(wire):
    read = wire.hardware(4096)
    wire.export()
    return read, shows(wire, KEY, SECOND)


@leaves_open("URL-011")
def the_machine_was_not_seen(wire):
    wire.export()
    shows(wire)


# URL-012


@keeps("URL-012")
def one_ticket_on_one_host(wire):
    shows(wire, add=entry(SECOND, file="disk-1.vmdk"))


@breaks("URL-012")
def two_tickets_on_one_host(wire):
    return (shows(wire, add=entry(SECOND, file="disk-1.vmdk", ticket="ticket:2")),)


@leaves_open("URL-012")
def two_hosts(wire):
    shows(wire, add=entry(SECOND, file="disk-1.vmdk", ticket="ticket:2", host="esx2:443"))


# URL-013


@keeps("URL-013")
def a_ticket_each(wire):
    shows(wire)
    shows(wire, lease="session[52aa]52cc", ticket="ticket:2")


@breaks("URL-013")
def a_ticket_for_two(wire):
    first = shows(wire)
    return first, shows(wire, lease="session[52aa]52cc")


@leaves_open("URL-013")
def one_lease_alone(wire):
    shows(wire)
    shows(wire)
