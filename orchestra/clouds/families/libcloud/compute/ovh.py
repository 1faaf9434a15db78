"""Libcloud's driver for OVH, with the time asked for where everything else is."""

from __future__ import annotations

import time
from typing import Any

from libcloud.common.ovh import API_ROOT, OvhConnection
from libcloud.compute.drivers.ovh import OvhNodeDriver


class _Connection(OvhConnection):
    """Libcloud's own asks for the cloud's time at a URL of its own making, over a connection that nothing bounds."""

    def get_timestamp(self) -> int:
        """The cloud's time, in seconds since 1970; asked for once.

        https://docs.ovh.com/gb/en/api/first-steps-with-ovh-api/ says to sign with that.
        """
        if self._timedelta is None:
            connection: Any = self.connection
            connection.request(method="GET", url=f"{API_ROOT}/auth/time", headers={})
            answer = connection.getresponse()
            answer.raise_for_status()
            self._timedelta = int(answer.text) - int(time.time())
        return int(time.time()) + int(self._timedelta)


class OvhDriver(OvhNodeDriver):
    """The driver with that connection."""

    connectionCls = _Connection  # noqa: N815 - so Libcloud calls it
