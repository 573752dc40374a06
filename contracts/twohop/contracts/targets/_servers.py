"""What the fixtures of the pytest plugin hand out: a vCenter, a cell in front of it on its clock, an ESXi host."""

from __future__ import annotations

from pathlib import Path

from twohop.exporter import VCenterAddress
from twohop.exporter.cell import Cell
from twohop.fakes import ESXi, VCenter


def fresh_vcenter(seed: int = 0) -> VCenter:
    """Return a fake vCenter, not yet started, with the default world; its clock stands still."""
    return VCenter(seed=seed)


def fresh_esxi(seed: int = 0) -> ESXi:
    """Return a fake standalone host, not yet started, with the default world; its clock stands still."""
    return ESXi(seed=seed)


def cell_over(vcenter: VCenter, transfer_dir: Path) -> Cell:
    """Return a cell, not yet open, that exports from `vcenter`; both share clock, journal and authority."""
    address = VCenterAddress(vcenter.url, vcenter.user, vcenter.password, vcenter.ca_file)
    return Cell(
        address,
        transfer_dir=transfer_dir,
        clock=vcenter.clock,
        authority=vcenter.authority,
        journal=vcenter.journal,
    )
