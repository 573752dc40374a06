"""OvfManager.ParseDescriptor and ValidateHost: what a descriptor says of itself, and whether a host takes it."""

from __future__ import annotations

from typing import Any

from ...ovf import OVF, PackageError
from .._registry import vim
from .._service import Call, Singleton
from ._import_spec import THICK, THIN
from ._ovf_manager import OVF_MANAGER
from ._ovf_package import OvfPackage, fault_of, read_package, text

_PRODUCT = ("Product", "Vendor", "Version", "FullVersion", "VendorUrl", "ProductUrl", "AppUrl")
_FIELDS = ("name", "vendor", "version", "fullVersion", "vendorUrl", "productUrl", "appUrl")


@OVF_MANAGER.method("ParseDescriptor")
def _parse(call: Call, _: Singleton, ovfDescriptor: str, pdp: Any) -> Any:
    try:
        package = read_package(call, ovfDescriptor, pdp.deploymentOption or "")
    except PackageError as error:
        # Four fields of the result are mandatory, so they are there, empty, when nothing could be read.
        return vim.OvfManager.ParseDescriptorResult(
            annotation="", defaultEntityName="", virtualApp=False, defaultDeploymentOption="", error=[fault_of(error)]
        )
    machines = package.machines()
    download, flat, sparse = _sizes(package)
    return vim.OvfManager.ParseDescriptorResult(
        eula=[row.text or "" for row in package.root.iter(f"{{{OVF}}}License")],
        network=package.networks,
        ipAllocationScheme=_words(package, "schemes"),
        ipProtocols=_words(package, "protocols"),
        property=properties(package),
        productInfo=_product(package),
        annotation=package.row["note"],
        approximateDownloadSize=download,
        approximateFlatDeploymentSize=flat,
        approximateSparseDeploymentSize=sparse,
        defaultEntityName=package.default_name,
        virtualApp=package.is_vapp,
        deploymentOption=[
            vim.OvfManager.DeploymentOption(
                key=row.get(f"{{{OVF}}}id", ""), label=text(row, "Label"), description=text(row, "Description")
            )
            for row in package.options
        ],
        defaultDeploymentOption=read_package(call, ovfDescriptor).option if package.options else "",
        entityName=[vim.KeyValue(key=machine["name"], value=machine["name"]) for machine in machines],
    )


@OVF_MANAGER.method("ValidateHost")
def _validate(call: Call, _: Singleton, ovfDescriptor: str, host: Any, vhp: Any) -> Any:
    call.resolve(host)
    result = vim.OvfManager.ValidateHostResult
    try:
        download, flat, sparse = _sizes(read_package(call, ovfDescriptor, vhp.deploymentOption or ""))
    except PackageError as error:
        return result(error=[fault_of(error)])
    return result(
        downloadSize=download,
        flatDeploymentSize=flat,
        sparseDeploymentSize=sparse,
        supportedDiskProvisioning=sorted(THIN | THICK),
    )


def _sizes(package: OvfPackage) -> tuple[int, int, int]:
    """Return bytes to send, bytes of all disks, and bytes of them that hold data."""
    files = package.root.iterfind("{*}References/{*}File")
    return (
        sum(int(row.get(f"{{{OVF}}}size") or 0) for row in files),
        sum(disk["size"] for machine in package.machines() for disk in machine["disks"]),
        sum(_populated(row) for row in package.root.iter(f"{{{OVF}}}Disk")),
    )


def properties(package: OvfPackage) -> list[Any]:
    """Return the properties that a package has, as vim.vApp.PropertyInfo; values are those of the descriptor."""
    made: list[Any] = []
    for product in package.root.iter(f"{{{OVF}}}ProductSection"):
        category = ""
        for row in product:
            if row.tag == f"{{{OVF}}}Category":
                category = row.text or ""
            elif row.tag == f"{{{OVF}}}Property":
                made.append(
                    vim.vApp.PropertyInfo(
                        key=len(made),
                        classId=product.get(f"{{{OVF}}}class", ""),
                        instanceId=product.get(f"{{{OVF}}}instance", ""),
                        id=row.get(f"{{{OVF}}}key", ""),
                        category=category,
                        label=text(row, "Label"),
                        type=row.get(f"{{{OVF}}}type", "string"),
                        userConfigurable=row.get(f"{{{OVF}}}userConfigurable") == "true",
                        defaultValue=row.get(f"{{{OVF}}}value", ""),
                        value="",
                        description=text(row, "Description"),
                    )
                )
    return made


def _product(package: OvfPackage) -> Any:
    row = package.top.find(f"{{{OVF}}}ProductSection")
    if row is None:
        return None
    said = {field: text(row, name) for field, name in zip(_FIELDS, _PRODUCT, strict=True)}
    return vim.vApp.ProductInfo(
        key=0, classId=row.get(f"{{{OVF}}}class", ""), instanceId=row.get(f"{{{OVF}}}instance", ""), **said
    )


def _words(package: OvfPackage, name: str) -> list[str]:
    found = package.root.iter("{http://www.vmware.com/schema/ovf}IpAssignmentSection")
    return [word for row in found for word in (row.get(f"{{{OVF}}}{name}") or "").split()]


def _populated(row: Any) -> int:
    said = row.get(f"{{{OVF}}}populatedSize") or ""
    return int(said) if said.isascii() and said.isdigit() and len(said) <= 18 else 0
