"""Plain pyVmomi in the documented sequence, as its community samples and Ansible's module go through it."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import ssl
import threading
import urllib.request
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pyVmomi import vim, vmodl

from interop.support import (
    VM0,
    VM1,
    Environment,
    drove,
    is_unlocked,
    judge_descriptor,
    judge_disk,
    logged_in,
    served,
    tool,
    twohop,
    validate,
)
from twohop.runtime.profiles import known_profiles

pytestmark = [pytest.mark.interop, tool("qemu-img", "qemu-utils")]


@pytest.fixture
def service(servers: Environment) -> Iterator[Any]:
    with logged_in(servers) as service:
        yield service


def find(service: Any, name: str) -> Any:
    """Find a VM through a container view, as every sample does."""
    content = service.RetrieveContent()
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    try:
        return next(vm for vm in view.view if vm.name == name)
    finally:
        view.Destroy()


def wait_by_polling(service: Any, lease: Any) -> None:
    """Read the state again and again; the samples sleep in between, which proves nothing more."""
    while lease.state == vim.HttpNfcLease.State.initializing:
        pass


def wait_by_updates(service: Any, lease: Any) -> None:
    """Let a property collector of one's own tell."""
    collector = service.content.propertyCollector.CreatePropertyCollector()
    spec = vmodl.query.PropertyCollector.FilterSpec(
        objectSet=[vmodl.query.PropertyCollector.ObjectSpec(obj=lease)],
        propSet=[vmodl.query.PropertyCollector.PropertySpec(type=vim.HttpNfcLease, pathSet=["state", "error"])],
    )
    collector.CreateFilter(spec, partialUpdates=False)
    version, state = "", None
    while state not in (vim.HttpNfcLease.State.ready, vim.HttpNfcLease.State.error):
        updates = collector.WaitForUpdatesEx(version, vmodl.query.PropertyCollector.WaitOptions(maxWaitSeconds=10))
        if updates is None:
            continue
        version = updates.version
        for change in (c for f in updates.filterSet for o in f.objectSet for c in o.changeSet):
            state = change.val if change.name == "state" else state
    collector.Destroy()


class Renewal(threading.Thread):
    """Tells the lease how far it is, until told to stop."""

    def __init__(self, lease: Any) -> None:
        super().__init__(daemon=True)
        self.lease, self.done, self.percent, self.told = lease, threading.Event(), 0, 0

    def run(self) -> None:
        while True:
            self.lease.Progress(self.percent)
            self.told += 1
            if self.done.wait(0.2):
                return


@contextlib.contextmanager
def renewed(lease: Any) -> Iterator[Renewal]:
    renewal = Renewal(lease)
    renewal.start()
    try:
        yield renewal
    finally:
        renewal.done.set()
        renewal.join()


def pinned(url: str, thumbprint: str) -> ssl.SSLContext:
    """A context for the host that a device URL names: its certificate has to be the one that the lease names."""
    where = urlsplit(url)
    shown = ssl.get_server_certificate((str(where.hostname), int(where.port or 443)))
    digest = hashlib.sha1(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
    assert digest == thumbprint.replace(":", "").lower()
    context = ssl.create_default_context(cadata=shown)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


@pytest.mark.parametrize("wait", [wait_by_polling, wait_by_updates])
def test_the_documented_sequence(service: Any, servers: Environment, tmp_path: Path, wait: Any) -> None:
    drove("pyVmomi", metadata.version("pyvmomi"), f"an export, {wait.__name__.replace('_', ' ')}")
    vm = find(service, VM0)
    lease = vm.ExportVm()
    files = []
    with renewed(lease) as renewal:
        wait(service, lease)
        assert lease.state == vim.HttpNfcLease.State.ready and lease.error is None
        info = lease.info
        assert info.leaseTimeout > 0 and info.totalDiskCapacityInKB == 1 << 20
        for device in info.deviceUrl:
            request = urllib.request.Request(
                device.url,
                headers={"Accept": "application/x-vnd.vmware-streamVmdk", "Cookie": service._stub.cookie},
            )
            target = tmp_path / f"{VM0}-{device.targetId}"
            context = pinned(device.url, device.sslThumbprint)
            with urllib.request.urlopen(request, context=context, timeout=30) as answer, target.open("wb") as file:
                assert answer.status == 200
                while piece := answer.read(1 << 20):
                    file.write(piece)
            ovf_file = vim.OvfManager.OvfFile(deviceId=device.key, path=target.name, size=target.stat().st_size)
            files.append(ovf_file)
        renewal.percent = 100
        manifest = lease.GetManifest()
        made = service.content.ovfManager.CreateDescriptor(
            obj=vm, cdp=vim.OvfManager.CreateDescriptorParams(name=VM0, ovfFiles=files)
        )
    assert renewal.told > 0 and not made.error
    lease.Progress(100)
    lease.Complete()
    assert lease.state == vim.HttpNfcLease.State.done

    descriptor = tmp_path / f"{VM0}.ovf"
    descriptor.write_text(made.ovfDescriptor)
    assert judge_descriptor(descriptor) == {file.path: file.size for file in files}
    (disk,) = tmp_path.glob("*.vmdk")
    assert judge_disk(disk)["virtual-size"] == 1 << 30
    (entry,) = manifest
    data = disk.read_bytes()
    assert (entry.size, entry.sha1) == (len(data), hashlib.sha1(data).hexdigest())
    assert is_unlocked(servers, VM0)
    validate(descriptor)


@pytest.mark.parametrize("profile", [name for name in known_profiles() if not name.startswith("cell")])
def test_every_profile(profile: str, tmp_path: Path) -> None:
    with served(tmp_path, "--profile", profile) as servers, logged_in(servers) as service:
        about = service.content.about
        drove("pyVmomi", metadata.version("pyvmomi"), f"connects to {profile} ({about.fullName}), exports, describes")
        vm = find(service, VM0)
        lease = vm.ExportVm()
        wait_by_updates(service, lease)
        disk = next(device for device in lease.info.deviceUrl if device.url.endswith(".vmdk"))
        url = disk.url.replace("*", urlsplit(servers["TWOHOP_VCENTER_URL"]).netloc)
        context = ssl.create_default_context(cafile=servers["TWOHOP_CA_FILE"])
        target = tmp_path / "disk.vmdk"
        with urllib.request.urlopen(url, context=context, timeout=30) as answer, target.open("wb") as file:
            while piece := answer.read(1 << 20):
                file.write(piece)
        lease.Progress(100)
        lease.Complete()
        assert judge_disk(target)["virtual-size"] == 1 << 30
        described = service.content.ovfManager.CreateDescriptor(obj=vm, cdp=vim.OvfManager.CreateDescriptorParams())
        assert described.ovfDescriptor and not described.error
        assert vm.summary.config.name == VM0 and vm.recentTask[-1].info.state == "success"


def test_a_lease_locks_its_machine_until_it_is_aborted(service: Any, servers: Environment) -> None:
    vm = find(service, VM0)
    lease = vm.ExportVm()
    wait_by_polling(service, lease)
    assert not is_unlocked(servers, VM0)
    lease.Abort(vmodl.LocalizedMethodFault(fault=vmodl.fault.RequestCanceled(), localizedMessage="had enough"))
    assert lease.state == vim.HttpNfcLease.State.error
    with pytest.raises(vim.fault.InvalidState):
        lease.Complete()
    assert is_unlocked(servers, VM0)


def test_powered_on_machine_is_refused(service: Any) -> None:
    with pytest.raises(vim.fault.InvalidPowerState) as caught:
        find(service, VM1).ExportVm()
    assert caught.value.existingState == vim.VirtualMachine.PowerState.poweredOn


@pytest.fixture
def abandoned_connections() -> Iterator[None]:
    """Collect the connection that pyVmomi leaves where a login fails: nobody has the stub to close it."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.usefixtures("abandoned_connections")
def test_wrong_password(servers: Environment) -> None:
    with pytest.raises(vim.fault.InvalidLogin), logged_in({**servers, "TWOHOP_PASSWORD": "guess"}):
        pass


@pytest.mark.usefixtures("abandoned_connections")
def test_another_authority_is_not_believed(servers: Environment, tmp_path: Path) -> None:
    where = urlsplit(servers["TWOHOP_VCENTER_URL"])
    other = tmp_path / "other.pem"
    other.write_text(ssl.get_server_certificate((str(where.hostname), int(where.port or 443))))
    with pytest.raises(ssl.SSLCertVerificationError), logged_in({**servers, "TWOHOP_CA_FILE": str(other)}):
        pass


def test_the_well_known_way_to_deploy(servers: Environment, tmp_path: Path) -> None:
    """As the community's deploy_ovf goes: a thread says Progress, each disk is posted to the URL of its key."""
    drove("pyVmomi", metadata.version("pyvmomi"), "an import, as deploy_ovf of the community samples")
    with served(tmp_path) as env, logged_in(env) as service:
        twohop("export", VM0, "-o", tmp_path / "out", env=env)
        (descriptor,) = (tmp_path / "out").rglob("*.ovf")
        content = service.RetrieveContent()
        datacenter = content.rootFolder.childEntity[0]
        pool = datacenter.hostFolder.childEntity[0].resourcePool
        made = content.ovfManager.CreateImportSpec(
            descriptor.read_text("utf-8"), pool, datacenter.datastore[0],
            vim.OvfManager.CreateImportSpecParams(entityName="deployed"),
        )  # fmt: skip
        lease = pool.ImportVApp(made.importSpec, datacenter.vmFolder)
        wait_by_polling(service, lease)
        with renewed(lease):
            for item in made.fileItem:
                url = next(d for d in lease.info.deviceUrl if d.importKey == item.deviceId)
                path = descriptor.parent / item.path
                with path.open("rb") as file:
                    # Under the type that urllib gives a body of which it knows none, as the sample does.
                    request = urllib.request.Request(url.url, file, {"Content-length": str(path.stat().st_size)})
                    with urllib.request.urlopen(request, context=pinned(url.url, url.sslThumbprint), timeout=30) as got:
                        assert got.status == 200
        lease.Complete()
        vm = find(service, "deployed")
        assert lease.state == vim.HttpNfcLease.State.done and is_unlocked(env, "deployed")
        assert vm.PowerOn().info.state == "success"
