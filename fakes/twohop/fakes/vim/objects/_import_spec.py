"""OvfManager.CreateImportSpec: a descriptor to what ImportVApp takes, and the files that a client has to send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...ovf import OVF, PackageError
from ...world import Datastore, Host, ResourcePool
from .. import _faults as faults
from .._registry import vim
from .._service import Call, Singleton
from ._offered_devices import Devices, Place
from ._operation import gap
from ._ovf_manager import OVF_MANAGER
from ._ovf_package import OvfPackage, fault_of, read_package
from ._values import data

EAGER = "eagerZeroedThick"
THIN = frozenset({"thin", "sparse", "seSparse", "monolithicSparse", "twoGbMaxExtentSparse"})
THICK = frozenset({"thick", "flat", EAGER, "monolithicFlat", "twoGbMaxExtentFlat"})
"""How disks may be provisioned, by whether they grow as they are written to."""
CIM = {"disk": 17, "iso": 15, "floppy": 14, "nvram": 1}
"""Resource types of CIM that a file item names."""


@OVF_MANAGER.method("CreateImportSpec")
def _create(call: Call, _: Singleton, ovfDescriptor: str, resourcePool: Any, datastore: Any, cisp: Any) -> Any:
    pool, store = call.resolve(resourcePool), call.resolve(datastore)
    host = call.resolve(cisp.hostSystem) if cisp.hostSystem is not None else None
    _check_place(call, pool, store, host)
    if cisp.instantiationOst is not None or cisp.resourceMapping:
        raise gap(call, "CreateImportSpec with instantiationOst or resourceMapping")
    result = vim.OvfManager.CreateImportSpecResult
    try:
        package = read_package(call, ovfDescriptor, cisp.deploymentOption or "")
        made = _Making(call, package, pool, store, cisp)
        return result(importSpec=made.spec(), fileItem=made.items)
    except PackageError as error:
        return result(error=[fault_of(error)])


def _check_place(call: Call, pool: ResourcePool, store: Datastore, host: Host | None) -> None:
    hosts = pool.owner.hosts if host is None else [host]
    if host is not None and host not in pool.owner.hosts:
        raise faults.invalid_argument("cisp.hostSystem", "The host and the resource pool are not of one cluster.")
    if not any(each in store.hosts for each in hosts):
        raise faults.inaccessible_datastore(call.ref(store), store.name, hosts[0].name)


@dataclass
class _Making:
    """One specification on its way."""

    call: Call
    package: OvfPackage
    pool: ResourcePool
    store: Datastore
    cisp: Any
    items: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        provisioning = self.cisp.diskProvisioning or "thick"
        if provisioning not in THIN | THICK:
            supported = ",".join(sorted(THIN | THICK))
            fields = {"diskProvisioning": provisioning, "supportedDiskProvisioning": supported}
            message = f"disks are provisioned as {supported}; got {provisioning}"
            raise PackageError("OvfUnsupportedDiskProvisioning", message, None, **fields)
        thin, eager = provisioning in THIN, provisioning == EAGER
        self.place = Place(self.call, self.store, self._networks(), thin, eager, self.item)
        self.values = {pair.key: pair.value for pair in self.cisp.propertyMapping or ()}

    def spec(self) -> Any:
        """Return the specification of the top entity."""
        name = self.cisp.entityName or self.package.default_name
        row = {**self.package.row, "name": name}
        return self._vapp(row, f"/{name}") if self.package.is_vapp else self._machine(row, f"/{name}")

    def _networks(self) -> Mapping[str, Any]:
        hosts = self.pool.owner.hosts
        seen = list(dict.fromkeys(network for host in hosts for network in host.networks))
        by_name = {network.name: network for network in seen}
        mapped = {}
        for pair in self.cisp.networkMapping or ():
            network = self.call.resolve(pair.network)
            if network not in seen:
                raise faults.invalid_argument("cisp.networkMapping", f"No host there is in {network.name}.")
            mapped[pair.name] = network
        usual = seen[0] if seen else None
        return {info.name: mapped.get(info.name) or by_name.get(info.name) or usual for info in self.package.networks}

    def _vapp(self, row: Mapping[str, Any], path: str) -> Any:
        children = [(child, self._vapp(child, f"{path}/{child['name']}")) for child in row["vapps"]]
        children += [(child, self._machine(child, self._key(path, child["name"]))) for child in row["vms"]]
        for child, made in children:
            made.entityConfig = vim.vApp.EntityConfigInfo(
                tag=child["name"], startOrder=child.get("start_order", 1), startDelay=child.get("start_delay", 0),
                stopDelay=child.get("stop_delay", 0), startAction="powerOn", stopAction="powerOff",
            )  # fmt: skip
        allocation = {"reservation": 0, "expandableReservation": True, "limit": -1, "shares": _shares()}
        return vim.vApp.VAppImportSpec(
            name=row["name"],
            vAppConfigSpec=vim.vApp.VAppConfigSpec(annotation=row["note"]),
            resourcePoolSpec=data(vim.ResourceConfigSpec, cpuAllocation=allocation, memoryAllocation=allocation),
            child=[made for _, made in children],
        )

    def _key(self, path: str, name: str) -> str:
        return f"{path}/{name}" if self.call.world.profile.text("import_key_of_vapp") == "path" else f"/{name}"

    def _machine(self, row: Mapping[str, Any], key: str) -> Any:
        settings = row["settings"]
        for kind in row["_left_out"]:
            self.call.service.gap(f"importing a device of resource type {kind}")
        devices = Devices(self.place, row, key)
        changes = devices.changes()
        config = data(
            vim.vm.ConfigSpec,
            name=row["name"],
            version=row["hardware"],
            guestId=row["guest"],
            annotation=row["note"],
            files={"vmPathName": f"[{self.store.name}]"},
            numCPUs=row["cpus"],
            numCoresPerSocket=settings.get("cores_per_socket", 1),
            memoryMB=row["memory"] >> 20,
            firmware=row.get("firmware"),
            cpuHotAddEnabled=settings.get("cpu_hot_add"),
            cpuHotRemoveEnabled=settings.get("cpu_hot_remove"),
            memoryHotAddEnabled=settings.get("memory_hot_add"),
            nestedHVEnabled=settings.get("nested_hv"),
            extraConfig=[{"key": key, "value": value} for key, value in row.get("extra_config", {}).items()] or None,
            tools={"syncTimeWithHost": settings["sync_time"]} if "sync_time" in settings else None,
            powerOpInfo={
                "powerOffType": settings.get("power_off"), "resetType": settings.get("reset"),
                "suspendType": settings.get("suspend"), "standbyAction": settings.get("standby"),
            },
            cpuAllocation=_allocation(settings, "cpu", 0),
            memoryAllocation=_allocation(settings, "memory", 20),
            bootOptions=self._boot_options(row, devices),
            deviceChange=changes,
            vAppConfig=self._config(row),
        )  # fmt: skip
        nvram = row.get("_nvram")
        if nvram is not None:
            self.item(nvram, f"{key}/nvram", "nvram")
        return vim.vm.VmImportSpec(configSpec=config, resPoolEntity=self.call.ref(self.pool))

    def _boot_options(self, row: Mapping[str, Any], devices: Devices) -> Any:
        """Return the boot order where it matters; elsewhere the section, which changes no disk, is passed over."""
        if self.call.world.profile.text("import_boot_order") == "passed-over":
            return None
        order = [
            vim.vm.BootOptions.BootableDiskDevice(deviceKey=devices.disks[id])
            for kind, id in row["_boot_order"]
            if kind == "disk" and id in devices.disks
        ]
        return vim.vm.BootOptions(bootOrder=order) if order else None

    def item(self, file: Any, key: str, kind: str) -> None:
        """Note a file that a client has to send."""
        for name in ("compression", "chunkSize"):
            if file.get(f"{{{OVF}}}{name}") not in (None, "identity"):
                raise gap(self.call, f"importing a file with ovf:{name}")
        size = file.get(f"{{{OVF}}}size")
        self.items.append(
            vim.OvfManager.FileItem(
                deviceId=key,
                path=file.get(f"{{{OVF}}}href"),
                size=None if size is None else int(size),
                cimType=CIM[kind],
                create=kind != "disk",
            )
        )

    def _config(self, row: Mapping[str, Any]) -> Any:
        said = row.get("vapp")
        if said is None:
            return None
        names = ("name", "vendor", "version", "full_version", "product_url", "vendor_url", "app_url")
        fields = ("name", "vendor", "version", "fullVersion", "productUrl", "vendorUrl", "appUrl")
        product = said.get("product") or {}
        info = {field: product.get(name, "") for name, field in zip(names, fields, strict=True)}
        products = [{"operation": "add", "info": {"key": 0, "classId": "", "instanceId": "", **info}}]
        return data(
            vim.vApp.VmConfigSpec,
            product=products if product else None,
            property=[self._property(n, each) for n, each in enumerate(said.get("properties", ()))] or None,
            eula=said.get("eulas"),
            ovfEnvironmentTransport=said.get("transports"),
            installBootRequired="install_delay" in said,
            installBootStopDelay=said.get("install_delay", 0),
        )

    def _property(self, number: int, given: Mapping[str, Any]) -> dict[str, Any]:
        value = self.values.get(given["id"], "")
        if value and not _fits(given["type"], value):
            message = f"the property {given['id']} is a {given['type']}; got {value!r}"
            raise PackageError("OvfPropertyValue", message, None, type=given["type"], value=value)
        return {
            "operation": "add",
            "info": {
                "key": number, "id": given["id"], "type": given["type"], "label": given["label"],
                "category": given["category"], "userConfigurable": given["_user"],
                "defaultValue": given["value"], "value": value,
            },
        }  # fmt: skip


def _allocation(settings: Mapping[str, Any], name: str, shift: int) -> dict[str, Any]:
    limit = settings.get(f"{name}_limit")
    return {
        "reservation": settings.get(f"{name}_reservation", 0) >> shift,
        "limit": -1 if limit is None else limit >> shift,
        "shares": _shares(),
    }


def _shares() -> dict[str, Any]:
    return {"shares": 0, "level": "normal"}


def _fits(kind: str, value: str) -> bool:
    name = kind.partition("(")[0].strip()
    if name == "boolean":
        return value.lower() in ("true", "false")
    if name.lstrip("su") in ("int", "int8", "int16", "int32", "int64"):
        digits = value.removeprefix("-") if not name.startswith("u") else value
        return digits.isascii() and digits.isdigit()
    return True
