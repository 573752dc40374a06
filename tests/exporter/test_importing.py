"""Imports by the exporter: whole or not at all, and what is wrong with a package is said before it is completed."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from twohop.exporter import (
    Ambiguous,
    BadPackage,
    Cancellation,
    Cancelled,
    DeviceFile,
    Event,
    ExportError,
    FileSent,
    HostChosen,
    HostRefused,
    HostUnreachable,
    ImportOptions,
    LeaseAborted,
    LeaseCompleted,
    LeaseLost,
    LeaseRenewed,
    ManifestCompared,
    NotFound,
    Refused,
    VCenterAddress,
    Wanted,
    export_vm,
    import_ovf,
    plan_import,
)
from twohop.exporter.engine import Ready, run
from twohop.exporter.engine import _actions as do
from twohop.exporter.engine._import import (
    AskEntity,
    AskImport,
    ImportItem,
    ImportRequest,
    ImportSpec,
    MakeSpec,
    Send,
    Sent,
    import_package,
)
from twohop.exporter.engine._values import ManifestRow
from twohop.exporter.package import grain_digest
from twohop.fakes import VCenter
from twohop.fakes.vim._kinds import KINDS
from twohop.runtime.certificates import Authority
from twohop.runtime.profiles import load_profile

AUTHORITY = Authority()
DISK = {"size": "8 MiB", "data": "1 MiB"}
WORLD: dict[str, Any] = {
    "datacenters": [
        {
            "name": "DC0", "clusters": [{"name": "C0", "hosts": ["H0", "H1"]}], "networks": ["VM Network", "second"],
            "vms": [{"name": "VM0", "firmware": "efi", "images": [{"size": 5000}], "disks": [DISK, DISK]}],
            "vapps": [{"name": "APP", "vms": [{"name": "A0", "disks": [DISK]}, {"name": "A1", "disks": [DISK]}]}],
        }
    ]
}  # fmt: skip


@pytest.fixture
def vc() -> Iterator[VCenter]:
    with VCenter(world=WORLD, authority=AUTHORITY) as vc:
        yield vc


def address(vc: VCenter) -> VCenterAddress:
    return VCenterAddress(vc.url, vc.user, vc.password, vc.ca_file)


@pytest.fixture
def package(vc: VCenter, tmp_path: Path) -> Path:
    """The directory of a package."""
    return export_vm(address(vc), "VM0", tmp_path / "package", clock=vc.clock).descriptor.parent


def put(vc: VCenter, package: Path, *, events: Callable[[Event], None] = lambda event: None, **given: Any) -> Any:
    options = ImportOptions(**{"name": "new", **given})
    return import_ovf(address(vc), package, options=options, clock=vc.clock, events=events)


def names(vc: VCenter) -> set[str]:
    return {vm.name for vm in vc.world.vms()}


def assert_nothing_is_left(vc: VCenter) -> None:
    assert names(vc) == {"VM0", "A0", "A1"}
    assert all(not lease.state.held for lease in vc.world.leases())


@pytest.mark.parametrize("form", ["directory", "descriptor", "ova"])
def test_a_package_comes_back_as_it_was(vc: VCenter, tmp_path: Path, package: Path, form: str) -> None:
    if form == "ova":
        source = tmp_path / "vm.ova"
        export_vm(address(vc), "VM0", source, clock=vc.clock)
    else:
        source = package if form == "directory" else next(package.glob("*.ovf"))
    events: list[Event] = []
    done = put(vc, source, events=events.append)
    vm = vc.world.vm("new")
    assert (done.entity, done.name, vm.leases) == (vm.moid, "new", frozenset())
    sent = [event for event in events if isinstance(event, FileSent)]
    compared = [event for event in events if isinstance(event, ManifestCompared)]
    assert [c.by for c in compared] == ["SHA256"] * len(sent) == ["SHA256"] * 4
    again = export_vm(address(vc), "new", tmp_path / "again", clock=vc.clock).descriptor.parent
    wanted = [grain_digest(path) for path in sorted(package.glob("*.vmdk"))]
    assert [grain_digest(path) for path in sorted(again.glob("*.vmdk"))] == wanted
    for suffix in ("*.iso", "*.nvram"):
        assert next(again.glob(suffix)).read_bytes() == next(package.glob(suffix)).read_bytes()


def test_a_vapp_comes_back(vc: VCenter, tmp_path: Path) -> None:
    made = export_vm(address(vc), "APP", tmp_path / "app", clock=vc.clock)
    done = put(vc, made.descriptor)
    assert [vm.name for vm in vc.world.objects[done.entity].machines()] == ["A0", "A1"]  # type: ignore[attr-defined]


def test_where_it_goes(vc: VCenter, package: Path) -> None:
    put(vc, package, where=Wanted(pool="C0", host="H1", networks={"VM Network": "second"}))
    vm = vc.world.vm("new")
    assert (vm.host.name, [nic.network.name for nic in vm.nics]) == ("H1", ["second"])
    put(vc, package, name="other", where=Wanted(pool="APP"))
    assert vc.world.vm("other").pool.name == "APP"


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        (Wanted(pool="nowhere"), NotFound), (Wanted(datastore="nowhere"), NotFound),
        (Wanted(networks={"VM Network": "nowhere"}), NotFound), (Wanted(host="nowhere"), NotFound),
    ],
)  # fmt: skip
def test_a_place_that_there_is_not(vc: VCenter, package: Path, wanted: Wanted, kind: type[ExportError]) -> None:
    with pytest.raises(kind):
        put(vc, package, where=wanted)
    assert_nothing_is_left(vc)


def test_where_there_is_a_choice_it_is_asked_for(package: Path) -> None:
    spec = {"datacenters": [{"hosts": ["H0", "H1"]}]}
    with VCenter(world=spec, authority=AUTHORITY) as vc, pytest.raises(Ambiguous, match="give --pool"):
        put(vc, package)


def test_a_plan_changes_nothing(vc: VCenter, package: Path) -> None:
    before = set(vc.world.objects)
    plan = plan_import(address(vc), package, options=ImportOptions(name="new"))
    assert set(vc.world.objects) == before
    assert (plan.name, len(plan.files), plan.where["pool"]) == ("new", 4, "Resources")
    assert plan.bytes == sum(path.stat().st_size for path in package.iterdir() if path.suffix not in (".ovf", ".mf"))
    assert plan.to_json()["event"] == "ImportPlan" and any("POST" in line for line in plan.lines())


def _first_disk(package: Path) -> Path:
    return sorted(package.glob("*.vmdk"))[0]


def _cut(package: Path) -> None:
    disk = _first_disk(package)
    data = disk.read_bytes()[:-1024]
    disk.write_bytes(data)
    _resize(package, disk)


def _resize(package: Path, changed: Path) -> None:
    """Let descriptor and manifest agree with what a file is now, so that only its content is wrong."""
    (descriptor,) = package.glob("*.ovf")
    before = descriptor.read_text("utf-8")
    line = next(row for row in before.splitlines() if f'href="{changed.name}"' in row)
    size = line.split('ovf:size="')[1].split('"')[0]
    after = line.replace(f'ovf:size="{size}"', f'ovf:size="{changed.stat().st_size}"')
    descriptor.write_text(before.replace(line, after), "utf-8")
    next(package.glob("*.mf")).unlink()


def _flipped(package: Path) -> None:
    disk = _first_disk(package)
    data = bytearray(disk.read_bytes())
    data[128 * 512 + 60] ^= 0xFF
    disk.write_bytes(data)
    _resize(package, disk)


def _other_bytes(package: Path) -> None:
    iso = next(package.glob("*.iso"))
    iso.write_bytes(iso.read_bytes()[:-1] + b"?")


def _edited(package: Path) -> None:
    (descriptor,) = package.glob("*.ovf")
    descriptor.write_text(descriptor.read_text("utf-8").replace("<Info>", "<Info>x", 1), "utf-8")


def _escapes(package: Path) -> None:
    (descriptor,) = package.glob("*.ovf")
    (package.parent / "secret").write_bytes(b"s" * 5000)
    iso = next(package.glob("*.iso")).name
    descriptor.write_text(descriptor.read_text("utf-8").replace(f'href="{iso}"', 'href="../secret"'), "utf-8")
    next(package.glob("*.mf")).unlink()


def _lacks(package: Path) -> None:
    _first_disk(package).unlink()


def _shorter(package: Path) -> None:
    disk = _first_disk(package)
    disk.write_bytes(disk.read_bytes()[:-512])


WRONG: dict[str, tuple[Callable[[Path], None], str]] = {
    "a disk that is cut": (_cut, "is no whole disk"),
    "a grain that is broken": (_flipped, "is no whole disk"),
    "a file unlike its digest": (_other_bytes, "the package's manifest says"),
    "a descriptor unlike its digest": (_edited, "is not as the manifest says"),
    "a name that leads out": (_escapes, "is not within the package"),
    "a file that lacks": (_lacks, "the package lacks"),
    "a file of another size": (_shorter, "the descriptor says"),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_package_that_is_wrong_is_not_imported(vc: VCenter, package: Path, how: str) -> None:
    change, message = WRONG[how]
    change(package)
    with pytest.raises(BadPackage, match=message):
        put(vc, package)
    assert_nothing_is_left(vc)


def test_an_ova_that_is_cut(vc: VCenter, tmp_path: Path) -> None:
    ova = tmp_path / "vm.ova"
    export_vm(address(vc), "VM0", ova, clock=vc.clock)
    with tarfile.open(ova) as tar:
        last = tar.getmembers()[-1]
    with ova.open("r+b") as file:
        file.truncate(last.offset_data + last.size - 600)
    with pytest.raises(BadPackage):
        put(vc, ova)
    assert_nothing_is_left(vc)


def test_what_the_server_finds_wrong_is_quoted(vc: VCenter, package: Path) -> None:
    with pytest.raises(Refused, match="OvfUnsupportedDiskProvisioning"):
        put(vc, package, provisioning="liquid")
    with pytest.raises(Refused, match="DuplicateName"):
        put(vc, package, name="VM0")
    assert_nothing_is_left(vc)


def test_a_host_that_refuses_the_upload(package: Path) -> None:
    profile = load_profile("vcenter-8.0").but(nfc_connections=1, put_without_overwrite="stored", nfc_cookie="required")
    with VCenter(world=WORLD, authority=AUTHORITY, profile=profile) as vc:
        events: list[Event] = []
        with pytest.raises(HostRefused, match="401"):
            put(vc, package, events=events.append)
        assert_nothing_is_left(vc)
        assert [type(e) for e in events if isinstance(e, LeaseAborted | LeaseCompleted)] == [LeaseAborted]


def test_another_host_takes_it_where_the_first_is_down(tmp_path: Path) -> None:
    for mapped in ("present", "absent"):
        profile = load_profile("vcenter-8.0").but(host_map=mapped)
        with VCenter(world=WORLD, authority=AUTHORITY, profile=profile) as vc:
            package = export_vm(address(vc), "A0", tmp_path / mapped, clock=vc.clock).descriptor
            vc.hosts["H0"].stop(keep_port=True)
            events: list[Event] = []
            if mapped == "absent":
                with pytest.raises(HostUnreachable):
                    put(vc, package, events=events.append)
                assert_nothing_is_left(vc)
                continue
            put(vc, package, events=events.append)
            first, second = [event for event in events if isinstance(event, HostChosen)]
            assert second.host == vc.hosts["H1"].authority and second.why == f"instead of {first.host}"


def test_a_wish_to_stop_gives_the_lease_up(vc: VCenter, package: Path) -> None:
    stop = Cancellation()

    def stops(event: Event) -> None:
        if isinstance(event, FileSent):
            stop.cancel()

    with pytest.raises(Cancelled):
        import_ovf(
            address(vc), package, options=ImportOptions(name="new"), clock=vc.clock, events=stops, cancelled=stop
        )
    assert_nothing_is_left(vc)


def test_a_slow_import_is_kept_alive(vc: VCenter, package: Path) -> None:
    events: list[Event] = []

    def slow(event: Event) -> None:
        events.append(event)
        if isinstance(event, FileSent):
            vc.clock.advance(400)

    put(vc, package, events=slow)
    assert len([event for event in events if isinstance(event, LeaseRenewed)]) >= 8
    assert "new" in names(vc)


def test_a_server_that_wants_another_file_gets_none(
    vc: VCenter, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent is what the descriptor names, whatever a server asks for."""
    (package.parent / "secret").write_bytes(b"s")
    honest = KINDS["OvfManager"].methods["CreateImportSpec"]

    def greedy(call: Any, obj: Any, **given: Any) -> Any:
        made = honest(call, obj, **given)
        made.fileItem[0].path = "../secret"
        return made

    monkeypatch.setitem(KINDS["OvfManager"].methods, "CreateImportSpec", greedy)
    with pytest.raises(BadPackage, match="which the descriptor does not name"):
        put(vc, package)
    assert_nothing_is_left(vc)


def test_what_cannot_be_read_is_said(vc: VCenter, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadPackage, match="holds 0 descriptors"):
        put(vc, empty)
    shutil.rmtree(empty)


# -- the engine without a socket ---------------------------------------------------------------------------------------

ITEMS = (ImportItem("/new/disk", "a.vmdk", 100, True), ImportItem("/new/iso", "b.iso", 10, False))
ENTRIES = (
    DeviceFile("/vm-1/disk", "https://h/nfc/t/disk-0.vmdk", disk=True, import_key="/new/disk"),
    DeviceFile("/vm-1/iso", "https://h/nfc/t/disk-1.iso", disk=False, import_key="/new/iso"),
)


class Handle:
    id = "session[1]2"


class World:
    """Answers every step, fails at one, and remembers what was asked for."""

    def __init__(self, fails_at: int | None = None, error: BaseException | None = None) -> None:
        self.steps: list[str] = []
        self._fails_at, self._error = fails_at, error

    def perform(self, action: Any) -> Any:
        if isinstance(action, do.Tell):
            return None
        if isinstance(action, do.Together):
            return [run(piece, self.perform, lambda: None) for piece in action.pieces]
        self.steps.append(type(action).__name__)
        if self._fails_at == len(self.steps) - 1:
            assert self._error is not None
            raise self._error
        match action:
            case MakeSpec():
                return ImportSpec("new", ITEMS)
            case AskImport():
                return Handle()
            case do.AwaitReady():
                return Ready(300, 110, ENTRIES)
            case do.ChooseDigest():
                return True
            case Send():
                return Sent(action.item.size, dict.fromkeys(action.algorithms, f"of {action.item.name}"), 0.1)
            case do.AskManifest():
                return tuple(
                    ManifestRow(e.key, i.size, "SHA256", f"of {i.name}") for e, i in zip(ENTRIES, ITEMS, strict=True)
                )
            case AskEntity():
                return "vm-1"
            case do.Abort():
                return "aborted"
        return None


def drive(world: World, **given: Any) -> Any:
    return run(import_package(ImportRequest(**given)), world.perform, lambda: None)


WHOLE = [
    "MakeSpec", "AskImport", "AwaitReady", "StartRenewing", "ChooseDigest", "Send", "Send", "AskManifest",
    "StopRenewing", "Report", "AskEntity", "Complete",
]  # fmt: skip


def test_the_order_of_things() -> None:
    world = World()
    done = drive(world)
    assert world.steps == WHOLE and done.entity == "vm-1" and [file.size for file in done.files] == [100, 10]


@pytest.mark.parametrize("step", range(len(WHOLE)))
@pytest.mark.parametrize(
    "error", [LeaseLost("gone"), KeyboardInterrupt(), HostRefused("500")], ids=lambda e: type(e).__name__
)
def test_a_failure_at_every_step_gives_the_lease_up_once(step: int, error: BaseException) -> None:
    world = World(step, error)
    with pytest.raises(type(error)):
        drive(world)
    held = "AskImport" in world.steps[: step if step < len(world.steps) else None] or step > 1
    assert world.steps.count("Abort") == (1 if held else 0)
    assert world.steps.count("AskImport") <= 1
    if held:
        assert world.steps[-1] == "Abort"
        started, stopped = world.steps.count("StartRenewing"), world.steps.count("StopRenewing")
        assert stopped >= started


def test_a_digest_that_is_not_the_manifest_s_gives_the_lease_up() -> None:
    world = World()
    with pytest.raises(BadPackage, match="the package's manifest says"):
        drive(world, listed={"a.vmdk": ("SHA1", "other")})
    assert world.steps[-1] == "Abort" and "Complete" not in world.steps


def test_a_server_that_received_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    perform = world.perform

    def other(action: Any) -> Any:
        found = perform(action)
        return (
            tuple(ManifestRow(r.key, r.size, r.algorithm, "0") for r in found)
            if isinstance(action, do.AskManifest)
            else found
        )

    monkeypatch.setattr(world, "perform", other)
    with pytest.raises(ExportError, match="the server says that"):
        drive(world)
    assert world.steps[-1] == "Abort"
