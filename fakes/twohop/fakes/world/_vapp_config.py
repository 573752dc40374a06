"""What a machine says as a part of a vApp: its product, properties, licences, and how it gets them on first start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._spec import check_keys
from ._values import export_error, name_of, rows, text, whole

PRODUCT = ("name", "vendor", "version", "full_version", "product_url", "vendor_url", "app_url")
"""What is said of a product, in the order in which servers write it."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property of the guest; a label of "" is none. `export_error` names the fault that it is described with."""

    id: str
    type: str = "string"
    value: str = ""
    label: str = ""
    category: str = ""
    export_error: str = ""


@dataclass(frozen=True, slots=True)
class VAppConfig:
    """`product` by the words of PRODUCT; `install_delay` (seconds) where the machine is started once to install."""

    product: Mapping[str, str] = field(default_factory=dict)
    properties: tuple[Property, ...] = ()
    eulas: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()
    install_delay: int | None = None


def vapp_config_of(given: Any, where: str) -> VAppConfig:
    """Return what a machine's row says under `vapp`."""
    row = check_keys("vapp of a vm", given, where)
    product = check_keys("product", row.get("product", {}), f"{where}: product")
    return VAppConfig(
        product={key: text(value, f"{where}: product: {key}") for key, value in product.items()},
        properties=tuple(
            _property(raw, f"{where}: property {n}") for n, raw in enumerate(rows(row, "properties", where))
        ),
        eulas=tuple(text(raw, f"{where}: eula") for raw in rows(row, "eulas", where)),
        transports=tuple(name_of(raw, f"{where}: transport") for raw in rows(row, "transports", where)),
        install_delay=whole(row["install_delay"], f"{where}: install_delay", 0) if "install_delay" in row else None,
    )


def _property(raw: Any, where: str) -> Property:
    row = check_keys("property", raw, where)
    rest = {key: text(row[key], f"{where}: {key}") for key in ("type", "value", "label", "category") if key in row}
    error = export_error(row, ("OvfPropertyExport",), where)
    return Property(name_of(row.get("id"), f"{where}: id"), **rest, export_error=error)
