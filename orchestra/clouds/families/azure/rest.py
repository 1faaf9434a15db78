"""Azure Resource Manager, through the connection of Libcloud's driver.

Libcloud's own methods tag in requests of their own, stop lists after five minutes and tell what they have as if that
were all, and sleep for minutes in deletions. The calls here send ownership with the creation, read every page or fail,
never repeat, and refuse what isn't Azure's answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import attrs
from libcloud.common.azure_arm import AzureJsonResponse
from libcloud.common.base import Connection
from libcloud.common.exceptions import BaseHTTPError

from orchestra.clouds.families.azure.faults import Fault, read_fault, read_sign_in_fault
from orchestra.errors import TransientError

Item: TypeAlias = Mapping[str, Any]
"""One thing, as Azure tells it."""

_refused: Final[Any] = BaseHTTPError
_request: Final[Any] = (
    Connection.request
)  # Libcloud's own for Azure signs in by itself, and can't be told not to repeat


@attrs.frozen
class Type:
    """A type of resources: its name with its provider's in front, and the version of the API that is spoken."""

    name: str
    version: str


_COMPUTE: Final = "2024-07-01"
_DISKS: Final = "2023-10-02"
_GALLERIES: Final = "2023-07-03"
_NETWORK: Final = "2024-05-01"

MACHINE: Final = Type("Microsoft.Compute/virtualMachines", _COMPUTE)
KEY: Final = Type("Microsoft.Compute/sshPublicKeys", _COMPUTE)
DISK: Final = Type("Microsoft.Compute/disks", _DISKS)
SNAPSHOT: Final = Type("Microsoft.Compute/snapshots", _DISKS)
GALLERY: Final = Type("Microsoft.Compute/galleries", _GALLERIES)
GALLERY_IMAGE: Final = Type("Microsoft.Compute/galleries/images", _GALLERIES)
GALLERY_VERSION: Final = Type("Microsoft.Compute/galleries/images/versions", _GALLERIES)
NETWORK: Final = Type("Microsoft.Network/virtualNetworks", _NETWORK)
SUBNET: Final = Type("Microsoft.Network/virtualNetworks/subnets", _NETWORK)
SECURITY_GROUP: Final = Type("Microsoft.Network/networkSecurityGroups", _NETWORK)
APPLICATION_GROUP: Final = Type("Microsoft.Network/applicationSecurityGroups", _NETWORK)
INTERFACE: Final = Type("Microsoft.Network/networkInterfaces", _NETWORK)
ADDRESS: Final = Type("Microsoft.Network/publicIPAddresses", _NETWORK)

TYPES: Final = (
    MACHINE,
    KEY,
    DISK,
    SNAPSHOT,
    GALLERY,
    GALLERY_IMAGE,
    GALLERY_VERSION,
    NETWORK,
    SUBNET,
    SECURITY_GROUP,
    APPLICATION_GROUP,
    INTERFACE,
    ADDRESS,
)

IMAGES: Final = _COMPUTE
SIZES: Final = "2021-07-01"
TAGS: Final = "2021-04-01"
GROUPS: Final = "2021-04-01"
LOCATIONS: Final = "2022-12-01"
"""Versions of what isn't a resource."""


_TOO_MANY: Final = 429
"""What Azure answers too where another operation is in progress on the same thing."""


class Answer(AzureJsonResponse):
    """An answer of Resource Manager's. Any status of 2xx is success: 204 for what is gone already too."""

    def success(self) -> bool:
        """Whether it is one of 2xx."""
        return 200 <= int(self.status) <= 299

    def parse_error(self) -> str:
        """``Code: message``. A 404 that Azure didn't write is a `TransientError`: nothing is gone because of it."""
        return _said(self, read_fault(str(self.body or "")), "Azure Resource Manager", "check endpoint=…")


class SignedIn(AzureJsonResponse):
    """The answer of who signs in."""

    def parse_error(self) -> str:
        """``Code: message``."""
        fault = read_sign_in_fault(str(self.body or ""))
        return _said(self, fault, "Microsoft Entra ID", "check tenant=… and login_endpoint=…")


def _said(answer: Any, fault: Fault | None, who: str, remedy: str) -> str:
    if fault is not None:
        text = f"{fault.code}: {fault.message}"
        if int(answer.status) == _TOO_MANY:  # Libcloud would put words of its own in the place of these
            raise _refused(_TOO_MANY, text, answer.headers)
        return text
    if int(answer.status) == 404:
        raise TransientError(f"what answered 404 isn't {who}", remedy=remedy)
    return f"status code: {answer.status}"


def send(connection: Any, method: str, path: str, **named: Any) -> Any:
    """Send one request and return Libcloud's response object. A request is never repeated."""
    return _request(connection, path, method=method, retry_failed=False, **named)
