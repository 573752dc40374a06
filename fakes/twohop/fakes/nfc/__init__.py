"""The transfer endpoint of an ESXi host: NFC over HTTPS, opened by a ticket; not the binary protocol of port 902."""

from ._app import NfcApp
from ._stream import digests_of, size_of

__all__ = ["NfcApp", "digests_of", "size_of"]
