"""A real OpenStack on loopback for tests: ``openstack.sh up`` starts it, ``down`` stops it, `find_server` finds it.

``nox -s openstack`` does all three and runs the tests that need it; elsewhere those are skipped, for its packages are
Debian's and it takes minutes to come up.
"""

from __future__ import annotations

import orchestra as oc
from tests.openstack_server.api import HINT, OpenStackServer, find_server, server_for

OFFERED = sorted(oc.clouds.capabilities()["openstack"])
"""The kinds that are tried on it: all."""

__all__ = ["HINT", "OFFERED", "OpenStackServer", "find_server", "server_for"]
