"""Exchanges written by hand in the shapes of real replies, so that clauses are tested without any server."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

from twohop.contracts.history import History
from twohop.runtime.observing import BodyDigest, Connection, Exchange, Listing, Request, Response

ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope'
    ' xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"'
    ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n<soapenv:Body>\n{}\n</soapenv:Body>\n</soapenv:Envelope>'
)
PRINT = "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD"
LEASE = "session[52aa]52bb"
KEY = "/vm-1/ParaVirtualSCSIController0:0"
VCLOUD = 'xmlns="http://www.vmware.com/vcloud/v1.5"'


class Wire:
    """Writes down exchanges one after another; `t` is the clock, moved by hand."""

    def __init__(self) -> None:
        self.t = 0.0
        self.exchanges: list[Exchange] = []
        self.listings: list[Listing] = []
        self.declared: dict[str, Any] = {}
        self._ids = itertools.count(1)

    def history(self) -> History:
        return History.build(self.exchanges, self.listings, self.declared)

    def add(
        self, observer: str, host: str, port: int, request: Request, response: Response | None, *, conn: str = "",
        thumbprint: str | None = PRINT, started: float | None = None,
    ) -> Exchange:  # fmt: skip
        peer = Connection(conn or f"{observer}@{host}:{port}", host, port, thumbprint)
        t0 = self.t if started is None else started
        made = Exchange(next(self._ids), peer, observer, t0, self.t, self.t, request, response)
        self.exchanges.append(made)
        return made

    def soap(
        self, method: str, this_type: str, this: str, args: str = "", *, result: str | None = "", fault: str = "",
        members: str = "", detail: str | None = None, status: int = 500, code: str = "ServerFaultCode",
        instead: str = "", observer: str = "probe", version: str = "", cookie: str = "", set_cookie: str = "",
        **more: Any,
    ) -> int:  # fmt: skip
        asked = (
            f'<{method} xmlns="urn:vim25"><_this versionId="8.0.3.0" type="{this_type}">{this}</_this>{args}</{method}>'
        )
        response: Response | None = None
        given = (("Set-Cookie", f'vmware_soap_session="{set_cookie}"; Path=/'),) if set_cookie else ()
        if fault or detail is not None:
            held = f'<{fault}Fault xmlns="urn:vim25" xsi:type="{fault}">{members}</{fault}Fault>'
            body = (
                f"<soapenv:Fault><faultcode>{code}</faultcode><faultstring>It failed.</faultstring>"
                f"<detail>{held if detail is None else detail}</detail></soapenv:Fault>"
            )
            response = Response(status, given, ENVELOPE.format(body), framing="length")
        elif result is not None:
            body = instead or f'<{method}Response xmlns="urn:vim25">{result}</{method}Response>'
            response = Response(200, given, ENVELOPE.format(body), framing="length")
        headers = [("SOAPAction", f'"urn:vim25/{version}"')] if version else []
        headers += [("Cookie", f'vmware_soap_session="{cookie}"')] if cookie else []
        request = Request("POST", "https://vc:443/sdk", tuple(headers), ENVELOPE.format(asked))
        return self.add(observer, "vc", 443, request, response, **more).id

    # leases

    def export(self, lease: str = LEASE, vm: str = "vm-1", **more: Any) -> int:
        return self.soap(
            "ExportVm",
            "VirtualMachine",
            vm,
            **{"result": f'<returnval type="HttpNfcLease">{lease}</returnval>', **more},
        )

    def info(self, lease: str = LEASE, timeout: int = 300, ticket: str = "ticket:1", thumbprint: str = PRINT) -> str:
        return (
            f'<lease type="HttpNfcLease">{lease}</lease><entity type="VirtualMachine">vm-1</entity>'
            "<deviceUrl><key>/vm-1/ParaVirtualSCSIController0:0</key><importKey></importKey>"
            f"<url>https://esx:443/nfc/{ticket}/disk-0.vmdk</url><sslThumbprint>{thumbprint}</sslThumbprint>"
            "<disk>true</disk><targetId>disk-0.vmdk</targetId></deviceUrl>"
            f"<totalDiskCapacityInKB>1048576</totalDiskCapacityInKB><leaseTimeout>{timeout}</leaseTimeout>"
        )

    def read(
        self, state: str | None, *, info: str | None = None, error: str | None = None, lease: str = LEASE, **more: Any
    ) -> int:
        """Read state, info and error in one RetrievePropertiesEx."""
        paths = "".join(f"<pathSet>{path}</pathSet>" for path in ("state", "info", "error"))
        obj = f'<objectSet><obj type="HttpNfcLease">{lease}</obj></objectSet>'
        spec = f"<specSet><propSet><type>HttpNfcLease</type>{paths}</propSet>{obj}</specSet><options></options>"
        props = ""
        if state is not None:
            props += f'<propSet><name>state</name><val xsi:type="HttpNfcLeaseState">{state}</val></propSet>'
        if info is not None:
            props += f'<propSet><name>info</name><val xsi:type="HttpNfcLeaseInfo">{info}</val></propSet>'
        if error is not None:
            props += (
                '<propSet><name>error</name><val xsi:type="LocalizedMethodFault">'
                f'<fault xsi:type="{error}"></fault><localizedMessage>.</localizedMessage></val></propSet>'
            )
        result = f'<returnval><objects><obj type="HttpNfcLease">{lease}</obj>{props}</objects></returnval>'
        return self.soap("RetrievePropertiesEx", "PropertyCollector", "pc", spec, result=result, **more)

    def read_property(self, path: str, value: str, lease: str = LEASE, **more: Any) -> int:
        """Read one property by Fetch, its value of whatever type."""
        result = f"<returnval>{value}</returnval>"
        return self.soap("Fetch", "HttpNfcLease", lease, f"<prop>{path}</prop>", result=result, **more)

    def fetch_property(self, path: str, value: str | None, lease: str = LEASE, **more: Any) -> int:
        kind = {"state": "HttpNfcLeaseState", "info": "HttpNfcLeaseInfo"}.get(path, "LocalizedMethodFault")
        result = "" if value is None else f'<returnval xsi:type="{kind}">{value}</returnval>'
        return self.soap("Fetch", "HttpNfcLease", lease, f"<prop>{path}</prop>", result=result, **more)

    def update(self, changes: str, lease: str = LEASE, version: str = "1", **more: Any) -> int:
        result = (
            f"<returnval><version>{version}</version><filterSet><filter type='PropertyFilter'>f</filter><objectSet>"
            f'<kind>modify</kind><obj type="HttpNfcLease">{lease}</obj>{changes}</objectSet></filterSet></returnval>'
        )
        return self.soap("WaitForUpdatesEx", "PropertyCollector", "pc", "<version></version>", result=result, **more)

    def progress(self, percent: int = 0, lease: str = LEASE, **more: Any) -> int:
        return self.soap("HttpNfcLeaseProgress", "HttpNfcLease", lease, f"<percent>{percent}</percent>", **more)

    def complete(self, lease: str = LEASE, **more: Any) -> int:
        return self.soap("HttpNfcLeaseComplete", "HttpNfcLease", lease, **more)

    def abort(self, lease: str = LEASE, **more: Any) -> int:
        return self.soap("HttpNfcLeaseAbort", "HttpNfcLease", lease, **more)

    def manifest(self, *entries: str, lease: str = LEASE, **more: Any) -> int:
        result = "".join(f"<returnval>{entry}</returnval>" for entry in entries)
        return self.soap("HttpNfcLeaseGetManifest", "HttpNfcLease", lease, **{"result": result, **more})

    def checksum_type(self, algorithm: str, key: str = KEY, lease: str = LEASE, **more: Any) -> int:
        pair = f"<deviceUrlsToChecksumTypes><key>{key}</key><value>{algorithm}</value></deviceUrlsToChecksumTypes>"
        return self.soap("HttpNfcLeaseSetManifestChecksumType", "HttpNfcLease", lease, pair, **more)

    def ready(self, lease: str = LEASE, **more: Any) -> int:
        """Grant a lease and see it ready."""
        granted = self.export(lease, **more)
        self.read("ready", info=self.info(lease), lease=lease, **more)
        return granted

    # power

    def power_on(self, vm: str = "vm-1", *, task: str = "task-1", **more: Any) -> int:
        return self.soap(
            "PowerOnVM_Task", "VirtualMachine", vm, **{"result": f'<returnval type="Task">{task}</returnval>', **more}
        )

    def task(self, state: str, *, task: str = "task-1", fault: str = "", **more: Any) -> int:
        error = (
            f'<error><fault xsi:type="{fault}"></fault><localizedMessage>.</localizedMessage></error>' if fault else ""
        )
        result = f'<returnval xsi:type="TaskInfo"><key>{task}</key><state>{state}</state>{error}</returnval>'
        return self.soap("Fetch", "Task", task, "<prop>info</prop>", result=result, **more)

    def task_info(
        self, task: str, state: str, *, entity: str = "vm-1", described: str = "VirtualMachine.exportVm",
        cancelled: bool = False, progress: int | None = None, fault: str = "", **more: Any,
    ) -> int:  # fmt: skip
        """Read the whole info of a task."""
        error = (
            f'<error><fault xsi:type="{fault}"></fault><localizedMessage>.</localizedMessage></error>' if fault else ""
        )
        done = "" if progress is None else f"<progress>{progress}</progress>"
        result = (
            f'<returnval xsi:type="TaskInfo"><key>{task}</key><descriptionId>{described}</descriptionId>'
            f'<entity type="VirtualMachine">{entity}</entity><state>{state}</state>'
            f"<cancelled>{str(cancelled).lower()}</cancelled>{error}{done}</returnval>"
        )
        return self.soap("Fetch", "Task", task, "<prop>info</prop>", result=result, **more)

    def recent(self, *tasks: str, owner: str = "vm-1", **more: Any) -> int:
        """Read the recent tasks of a machine or of the task manager."""
        kind = "VirtualMachine" if owner.startswith("vm-") else "TaskManager"
        listed = "".join(f'<ManagedObjectReference type="Task">{task}</ManagedObjectReference>' for task in tasks)
        result = f'<returnval xsi:type="ArrayOfManagedObjectReference">{listed}</returnval>'
        return self.soap("Fetch", kind, owner, "<prop>recentTask</prop>", result=result, **more)

    def power_state(self, state: str, vm: str = "vm-1", **more: Any) -> int:
        result = f'<returnval xsi:type="VirtualMachinePowerState">{state}</returnval>'
        return self.soap("Fetch", "VirtualMachine", vm, "<prop>runtime.powerState</prop>", result=result, **more)

    def hardware(self, *capacities_kb: int, vm: str = "vm-1", **more: Any) -> int:
        """Read the devices of a machine with disks of these capacities on one controller."""
        disks = "".join(
            f'<VirtualDevice xsi:type="VirtualDisk"><key>{2000 + unit}</key><controllerKey>1000</controllerKey>'
            f"<unitNumber>{unit}</unitNumber><capacityInKB>{capacity}</capacityInKB></VirtualDevice>"
            for unit, capacity in enumerate(capacities_kb)
        )
        result = (
            '<returnval xsi:type="ArrayOfVirtualDevice"><VirtualDevice xsi:type="ParaVirtualSCSIController">'
            f"<key>1000</key><busNumber>0</busNumber></VirtualDevice>{disks}</returnval>"
        )
        return self.soap("Fetch", "VirtualMachine", vm, "<prop>config.hardware.device</prop>", result=result, **more)

    def change(self, method: str, vm: str = "vm-1", *, task: str = "task-9", **more: Any) -> int:
        result = f'<returnval type="Task">{task}</returnval>'
        return self.soap(method, "VirtualMachine", vm, **{"result": result, **more})

    # bytes

    def get(
        self, url: str, body: bytes | None, *, status: int = 200, end: Any = "complete", observer: str = "probe",
        text: str | None = None, method: str = "GET", headers: tuple[tuple[str, str], ...] = (),
        sent: tuple[tuple[str, str], ...] = (), grains: str | None = None, **more: Any,
    ) -> int:  # fmt: skip
        digest = None
        if body is not None:
            sha1 = hashlib.sha1(body, usedforsecurity=False).hexdigest()
            digest = BodyDigest(
                len(body), hashlib.sha256(body).hexdigest(), body[:512].hex(), body[-1024:].hex(), sha1, grains
            )
        host = url.split("/")[2].split(":")[0]
        response = Response(status, headers, text, digest, framing="chunked", end=end)
        return self.add(observer, host, 443, Request(method, url, sent), response, **more).id

    def upload(self, url: str, body: bytes, *, status: int = 200, method: str = "POST", **more: Any) -> int:
        sha1 = hashlib.sha1(body, usedforsecurity=False).hexdigest()
        sent = BodyDigest(len(body), hashlib.sha256(body).hexdigest(), body[:512].hex(), body[-1024:].hex(), sha1)
        return self.add("probe", "esx", 443, Request(method, url, digest=sent), Response(status), **more).id

    def disk(self, body: bytes | None, *, ticket: str = "ticket:1", file: str = "disk-0.vmdk", **more: Any) -> int:
        return self.get(f"https://esx:443/nfc/{ticket}/{file}", body, **more)

    def transfer(self, file: str, body: bytes | None, *, session: str = "transfer:1", **more: Any) -> int:
        return self.get(f"https://cell:443/transfer/{session}/{file}", body, **{"observer": "user", **more})

    # the cell

    def api(self, method: str, path: str, status: int, body: str = "", *, observer: str = "user", **more: Any) -> int:
        request = Request(method, f"https://cell:443{path}")
        return self.add(observer, "cell", 443, request, Response(status, (), body or None), **more).id

    def vapp(self, *links: tuple[str, str], tasks: str = "", **more: Any) -> int:
        text = "".join(f'<Link rel="{rel}" href="https://cell{href}"/>' for rel, href in links)
        held = f"<Tasks>{tasks}</Tasks>" if tasks else ""
        return self.api("GET", "/api/vApp/vapp-1", 200, f'<VApp {VCLOUD} status="8">{text}{held}</VApp>', **more)

    def cell_task(self, status: str) -> str:
        return f'<Task {VCLOUD} href="https://cell/api/task/1" status="{status}"/>'

    def enable(self, status: str = "running", **more: Any) -> int:
        return self.api("POST", "/api/vApp/vapp-1/action/enableDownload", 202, self.cell_task(status), **more)

    def poll(self, status: str, **more: Any) -> int:
        return self.api("GET", "/api/task/1", 200, self.cell_task(status), **more)

    def listing(self, *entries: tuple[str, int], observer: str = "directory") -> int:
        listing = Listing(next(self._ids), observer, self.t, entries)
        self.listings.append(listing)
        return listing.id


def vmdk(capacity_sectors: int = 2048, *, footer: bool = True, eos: bool = True) -> bytes:
    """A streamOptimized VMDK of an empty disk, by the sheet's figures (7.2, 7.3); without footer or end on demand."""

    def header(directory: int) -> bytes:
        numbers = [
            (3, 4),
            (0x30001, 4),
            (capacity_sectors, 8),
            (128, 8),
            (1, 8),
            (1, 8),
            (512, 4),
            (0, 8),
            (directory, 8),
            (128, 8),
        ]
        packed = b"KDMV" + b"".join(value.to_bytes(width, "little") for value, width in numbers)
        return (packed + b"\0\n \r\n" + (1).to_bytes(2, "little")).ljust(512, b"\0")

    body = header(0xFFFF_FFFF_FFFF_FFFF).ljust(128 * 512, b"\0")
    body += b"\1".ljust(512, b"\0") + bytes(512)
    if footer:
        body += b"\1".ljust(512, b"\0") + header(129)
    return body + bytes(512) if eos else body
