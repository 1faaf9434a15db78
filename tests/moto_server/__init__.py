"""A server that speaks AWS's API over HTTP as AWS does, for tests.

moto does the work. It differs from AWS in ways that matter to Libcloud and to us, and each difference is mended
here: `mending` (the wire: namespaces, error documents, paths, encodings), `tokens` (idempotency tokens are
honoured), `credentials` (keys and signatures are checked), `strictness` (what AWS refuses is refused), `completing`
(what AWS does beside what was asked is done). Beside that
`faults` breaks calls on demand, and every call is counted.

::

    with moto_server() as server:
        cloud = clouds.aws(region="eu-west-1", endpoint=server.endpoint,
                           access_key=server.access_key, secret_key=server.secret_key)
        server.fault(action="RunInstances", mode="drop_after")
        ...
        assert server.stats()["RunInstances"] == 1
        server.reset()
"""

from __future__ import annotations

from tests.moto_server.messages import ACCESS_KEY, SECRET_KEY
from tests.moto_server.running import MotoServer, moto_server

__all__ = ["ACCESS_KEY", "SECRET_KEY", "MotoServer", "moto_server"]
