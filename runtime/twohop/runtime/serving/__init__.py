"""HTTP/1.1 over TLS, a thread per connection: the only sockets and threads of the servers."""

from ._exchange import Cut, ServedExchange
from ._patience import Patience
from ._server import HttpServer

__all__ = ["Cut", "HttpServer", "Patience", "ServedExchange"]
