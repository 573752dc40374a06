"""What a machine says as a part of a vApp: ProductSection, EulaSection and InstallSection, and reading them again."""

from __future__ import annotations

from typing import Any

from ..world import PRODUCT, VAppConfig
from ._errors import wrong_value
from ._names import OVF
from ._xml import element, section

_NAMES = dict(
    zip(PRODUCT, ("Product", "Vendor", "Version", "FullVersion", "ProductUrl", "VendorUrl", "AppUrl"), strict=True)
)
_IN = {"ovf": OVF}


def write_vapp_config(at: Any, config: VAppConfig, *, left_out: bool) -> None:
    """Add the sections that a machine has something for; `left_out` leaves out what cannot be described."""
    properties = [each for each in config.properties if not (left_out and each.export_error)]
    if config.product or properties:
        product = section(at, "ProductSection", "Information about the installed software")
        for word, name in _NAMES.items():
            if word in config.product:
                element(product, name, config.product[word])
        category = ""
        for each in properties:
            if each.category != category:
                category = each.category
                element(product, "Category", category)
            row = element(product, "Property", key=each.id, type=each.type, value=each.value)
            if each.label:
                element(row, "Label", each.label)
    for text in config.eulas:
        element(section(at, "EulaSection", "An end-user license agreement"), "License", text)
    if config.install_delay is not None:
        section(
            at, "InstallSection", "Post-deployment processing", initialBoot="true",
            initialBootStopDelay=config.install_delay,
        )  # fmt: skip


def read_vapp_config(system: Any) -> dict[str, Any]:
    """Return what a VirtualSystem says as `vapp` of a machine in a world file; nothing where it says nothing."""
    made: dict[str, Any] = {}
    (product,) = system.findall("ovf:ProductSection", _IN)[:1] or (None,)
    if product is not None:
        texts = {word: product.findtext(f"ovf:{name}", None, _IN) for word, name in _NAMES.items()}
        made["product"] = {word: text for word, text in texts.items() if text is not None}
        made["properties"] = _properties(product)
    eulas = [row.text or "" for row in system.iterfind("ovf:EulaSection/ovf:License", _IN)]
    transport = system.find("ovf:VirtualHardwareSection", _IN).get(f"{{{OVF}}}transport")
    install = system.find("ovf:InstallSection", _IN)
    made |= {"eulas": eulas} if eulas else {}
    made |= {"transports": transport.split()} if transport else {}
    if install is not None:
        delay = install.get(f"{{{OVF}}}initialBootStopDelay", "0")
        if not (delay.isascii() and delay.isdigit() and len(delay) < 10):
            message = f"initialBootStopDelay is a number of seconds; got {delay!r}"
            raise wrong_value("InstallSection", "initialBootStopDelay", delay, message, install)
        made["install_delay"] = int(delay)
    return {"vapp": made} if made else {}


def _properties(product: Any) -> list[dict[str, Any]]:
    made, category = [], ""
    for row in product.iterfind("ovf:*", _IN):
        if row.tag == f"{{{OVF}}}Category":
            category = row.text or ""
        elif row.tag == f"{{{OVF}}}Property":
            said = {"id": row.get(f"{{{OVF}}}key"), "type": row.get(f"{{{OVF}}}type", "string")}
            said["value"] = row.get(f"{{{OVF}}}value", "")
            said["_user"] = row.get(f"{{{OVF}}}userConfigurable") == "true"
            made.append(said | {"label": row.findtext("ovf:Label", "", _IN), "category": category})
    return made
