"""Files of a datastore over HTTP, by the URL that vSphere documents: /folder/PATH?dcPath=DATACENTER&dsName=DATASTORE.

A session's cookie opens them. The vendor's Programming Guide documents the form; the fact sheet has no clause for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from .._device_file import DeviceFile
from .._errors import BadAnswer, NotFound
from ..transfer._connection import SILENCE, Peer
from ._address import VCenterAddress


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A file of a datastore: the inventory path of its datacenter, its datastore's name, its path there."""

    datacenter: str
    datastore: str
    path: str

    def target(self) -> str:
        """Return path and query of its URL."""
        query = urlencode({"dcPath": self.datacenter, "dsName": self.datastore}, quote_via=quote)
        return f"/folder/{quote(self.path)}?{query}"

    def __str__(self) -> str:
        return f"[{self.datastore}] {self.path}"


def image_size(address: VCenterAddress, image: StoredImage, cookie: str) -> int:
    """Return how many bytes a file has; NotFound where there is none, BadAnswer where the server does not say."""
    # The one reader here that needs a pool: an export does without, and starts sooner.
    from ..transfer._pool import HTTP_ERRORS, connection_error, pool_for

    pool = pool_for(
        f"https://{address.authority}", address.thumbprint, address.ca_file, address.insecure, SILENCE, Peer()
    )
    sent = {"User-Agent": "twohop", "Cookie": cookie}
    with pool:
        try:
            answer = pool.urlopen("HEAD", image.target(), headers=sent, redirect=False, retries=False)
        except HTTP_ERRORS as error:
            raise connection_error(error, address.authority, "vCenter", 0, SILENCE) from error
    if answer.status == 404:
        raise NotFound(f"{address.authority} has no file {image} in {image.datacenter}; check the cell's catalogue")
    length = answer.headers.get("Content-Length", "")
    if answer.status != 200 or not length.isdigit():
        raise BadAnswer(
            f"{address.authority} answered {answer.status} where it was asked how long {image} is, expected 200 and"
            " its length; check this user's permissions on the datastore"
        )
    return int(length)


def image_file(address: VCenterAddress, image: StoredImage, size: int) -> DeviceFile:
    """Return what the transfer fetches: the file behind its URL, of so many bytes."""
    url = f"https://{address.authority}{image.target()}"
    return DeviceFile(str(image), url, disk=False, file_size=size, thumbprint=address.thumbprint)
