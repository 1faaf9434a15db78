"""LXD, through Libcloud's driver: requests, answers and operations that containers and images share.

Its API: https://documentation.ubuntu.com/lxd/en/latest/rest-api/. Libcloud's methods send nothing that tells whose
something is, ask for each thing of a list by itself, and trust any server, so the calls are single requests through its
connection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

from libcloud.container.drivers.lxd import LXDContainerDriver, LXDResponse

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.translate import translate
from orchestra.errors import CredentialsError, InProgressError, InvalidRequestError, NotFoundError

PROJECT: Final = "project"
"""The setting that names LXD's project; without it LXD's own default."""
_SERVER: Final = "/1.0"
INSTANCES: Final = "/1.0/instances"
IMAGES: Final = "/1.0/images"
ALIASES: Final = "/1.0/images/aliases"
_OPERATIONS: Final = "/1.0/operations"

_WAIT: Final = 45
"""Seconds that one request waits for an operation: less than the longest silence that a connection bears."""
_WAITS: Final = 4
"""How many such requests wait for one operation in a call: longer than a container is given to end."""
_SUCCEEDED: Final = 200
_OVER: Final = 200
"""Operations have a status from here on when they are over."""

Item = Mapping[str, Any]


class FailedOperationError(InvalidRequestError):
    """What LXD tells of an operation that failed: it says 400 to whatever went wrong."""


class _Answer(LXDResponse):
    """An answer whose error is LXD's own text, without the document around it."""

    def success(self) -> bool:
        """Whether the status is one of 2xx."""
        return 200 <= int(self.status) <= 299

    def parse_error(self) -> Any:
        """Such as ``Instance not found``."""
        try:
            return json.loads(str(self.body))["error"]
        except (ValueError, KeyError, TypeError):
            return self.body


class LxdDriver(LXDContainerDriver):
    """Libcloud's driver with such answers, encrypted unless an endpoint says otherwise.

    Certificates go with the connections, not with the driver, which would trust any server without an authority's.
    """

    def __init__(self, **named: Any) -> None:
        make: Any = super().__init__
        make(**{"secure": True, **named})
        self.connection.responseCls = _Answer


def _answered(access: LibcloudDriver, method: str, path: str, body: Item | None, query: Mapping[str, str]) -> Any:
    project = access.settings.get(PROJECT)
    return access.driver.connection.request(
        path,
        method=method,
        params={**query, **({PROJECT: project} if project else {})},
        data=None if body is None else json.dumps(body),
        retry_failed=False,
    )


def ask(access: LibcloudDriver, method: str, path: str, body: Item | None = None, **query: str) -> Any:
    """What one request is answered with; of a request that takes its time, the operation."""
    return _answered(access, method, path, body, query).object["metadata"]


def done(access: LibcloudDriver, method: str, path: str, body: Item | None = None) -> Item:
    """The operation of a request, once it is over; raises `FailedOperationError`."""
    return waited(access, ask(access, method, path, body))


def waited(access: LibcloudDriver, operation: Item) -> Item:
    """``operation`` once it is over; raises `FailedOperationError`, and `InProgressError` if it takes too long."""
    for _ in range(_WAITS):
        if operation["status_code"] >= _OVER:
            break
        operation = ask(access, "GET", f"{_OPERATIONS}/{operation['id']}/wait", timeout=str(_WAIT))
    else:
        raise InProgressError(f"LXD is still at it: {operation['description']}")
    if operation["status_code"] != _SUCCEEDED:
        raise FailedOperationError(operation["err"] or operation["status"])
    return operation


def settle(access: LibcloudDriver, name: str = "") -> None:
    """Wait for what is under way on the instance ``name``, begun by another call or one whose answer was lost.

    Without a name: for what is under way on nothing that is there, as images are that are being copied.
    """
    told = ask(access, "GET", _OPERATIONS, recursion="1")
    for operation in [one for state in ("pending", "running") for one in told.get(state) or ()]:
        paths = [path for each in (operation["resources"] or {}).values() for path in each or ()]
        meant = any(path.partition("?")[0].endswith(f"/{name}") for path in paths) if name else not paths
        if meant and operation["class"] == "task":
            try:
                waited(access, operation)
            except Exception as error:  # however it ended
                if not isinstance(translate(error), (FailedOperationError, NotFoundError)):
                    raise


def clock(access: LibcloudDriver) -> datetime:
    """What time it is by LXD's clock, in whole seconds."""
    return parsedate_to_datetime(_answered(access, "GET", _SERVER, None, {}).headers["date"])


def assert_trusted(access: LibcloudDriver) -> None:
    """Raise `CredentialsError` unless LXD trusts us: strangers are shown public images, as if there were no others."""
    if ask(access, "GET", _SERVER)["auth"] != "trusted":
        raise CredentialsError(
            "LXD doesn't trust this client", remedy="add its certificate to the server: lxc config trust add"
        )


def an_instance(name: str) -> str:
    """Where an instance is."""
    return f"{INSTANCES}/{quote(name, safe='')}"


def an_image(fingerprint: str) -> str:
    """Where an image is."""
    return f"{IMAGES}/{quote(fingerprint, safe='')}"


def an_alias(name: str) -> str:
    """Where one of the names of images is."""
    return f"{ALIASES}/{quote(name, safe='')}"
