"""Property reads from many connections, in a process of its own; the password is on stdin.

Every connection asks for the name and power state of one machine after another, each time of another one, and has one
call under way at a time. One thread drives them all, with as little work of its own as there can be, so that it is the
server that is measured. With `once` no machine is asked for a second time. Prints calls, wall and CPU seconds as JSON.
"""

from __future__ import annotations

import json
import re
import select
import socket
import ssl
import sys
import time
from urllib.parse import urlsplit

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>{}</soapenv:Body></soapenv:Envelope>'
)
LOGIN = (
    '<Login xmlns="urn:vim25"><_this type="SessionManager">SessionManager</_this>'
    "<userName>{}</userName><password>{}</password></Login>"
)
VIEW = (
    '<CreateContainerView xmlns="urn:vim25"><_this type="ViewManager">ViewManager</_this>'
    '<container type="Folder">{}</container><type>VirtualMachine</type><recursive>true</recursive>'
    "</CreateContainerView>"
)
_MEMBERS = '<Fetch xmlns="urn:vim25"><_this type="ContainerView">{}</_this><prop>view</prop></Fetch>'
_READ = (
    '<RetrievePropertiesEx xmlns="urn:vim25"><_this type="PropertyCollector">propertyCollector</_this><specSet>'
    "<propSet><type>VirtualMachine</type><pathSet>name</pathSet><pathSet>runtime.powerState</pathSet></propSet>"
    '<objectSet><obj type="VirtualMachine">{}</obj></objectSet></specSet><options/></RetrievePropertiesEx>'
)
CONTENT = (
    '<RetrieveServiceContent xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this>'
    "</RetrieveServiceContent>"
)


class Client:
    """One kept-alive connection over TLS."""

    def __init__(self, where: str, port: int) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        raw = socket.create_connection((where, port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(raw)
        self.head = (
            f"POST /sdk HTTP/1.1\r\nHost: {where}:{port}\r\nContent-Type: text/xml; charset=utf-8\r\n"
            'SOAPAction: "urn:vim25/8.0.1.0"\r\n'
        )
        self.cookie = ""
        self.answer = b""

    def request(self, content: str) -> bytes:
        """Return the bytes of a call."""
        body = _ENVELOPE.format(content).encode()
        return f"{self.head}{self.cookie}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def call(self, content: str) -> str:
        """Call and wait for the answer."""
        self.socket.sendall(self.request(content))
        while not self.whole():
            self.take()
        answer = self.answer.decode()
        if " 200 " not in answer.partition("\r\n")[0]:
            sys.exit(f"bench: {answer}")
        found = re.search(r"(?im)^set-cookie: ([^;\r]*)", answer)
        if found:
            self.cookie = f"Cookie: {found[1]}\r\n"
        self.answer = b""
        return answer

    def take(self) -> None:
        """Read what has come."""
        data = self.socket.recv(65536)
        if not data:
            sys.exit("bench: the server closed a connection")
        self.answer += data

    def whole(self) -> bool:
        """Tell whether the answer is there to its end."""
        answer = self.answer
        head = answer.find(b"\r\n\r\n")
        if head < 0:
            return False
        at = answer.find(b"Content-Length: ", 0, head)
        if at < 0:
            return answer.endswith(b"\r\n0\r\n\r\n")
        return len(answer) == head + 4 + int(answer[at + 16 : answer.index(b"\r", at)])


def main(url: str, user: str, clients: str, seconds: str, once: str = "0") -> None:
    """Log in, look for machines, read them for some seconds."""
    parts = urlsplit(url)
    where, port = str(parts.hostname), int(parts.port or 443)
    first = Client(where, port)
    content = first.call(CONTENT)
    root = re.search(r"<rootFolder[^>]*>([^<]*)<", content)
    views = re.search(r"<viewManager[^>]*>([^<]*)<", content)
    sessions = re.search(r"<sessionManager[^>]*>([^<]*)<", content)
    collector = re.search(r"<propertyCollector[^>]*>([^<]*)<", content)
    assert root and views and sessions and collector
    first.call(LOGIN.format(user, sys.stdin.readline().strip()).replace(">SessionManager<", f">{sessions[1]}<"))
    view = first.call(VIEW.format(root[1]).replace(">ViewManager<", f">{views[1]}<"))
    members = first.call(_MEMBERS.format(re.search(r"<returnval[^>]*>([^<]*)<", view)[1]))  # type: ignore[index]
    machines = sorted(set(re.findall(r'type="VirtualMachine"[^>]*>([^<]*)<', members)))
    others = [Client(where, port) for _ in range(int(clients) - 1)]
    for other in others:
        other.cookie = first.cookie
    read = _READ.replace(">propertyCollector<", f">{collector[1]}<")
    requests = [first.request(read.format(machine)) for machine in machines]
    loop, by_number = select.epoll(), {}
    for each in (first, *others):
        if b"powerState" not in each.call(read.format(machines[0])).encode():
            sys.exit("bench: no power state in the answer")
        each.socket.setblocking(False)
        by_number[each.socket.fileno()] = each
        loop.register(each.socket.fileno(), select.EPOLLIN)
    calls, cpu, started = 0, time.process_time(), time.monotonic()
    until = started + float(seconds)
    for each in by_number.values():
        each.socket.send(requests[calls % len(requests)])
        calls += 1
    done = 0
    most = len(requests) - len(by_number) if int(once) else sys.maxsize
    while time.monotonic() < until and calls < most:
        for ready, _ in loop.poll(1):
            client = by_number[ready]
            try:
                client.take()
            except (ssl.SSLWantReadError, BlockingIOError):
                continue
            if client.whole():
                if not client.answer.startswith(b"HTTP/1.1 200"):
                    sys.exit(f"bench: {client.answer.decode()}")
                done += 1
                client.answer = b""
                client.socket.send(requests[calls % len(requests)])
                calls += 1
    wall = time.monotonic() - started
    print(json.dumps({"calls": done, "machines": len(machines), "cpu": time.process_time() - cpu, "wall": wall}))


if __name__ == "__main__":
    main(*sys.argv[1:])
