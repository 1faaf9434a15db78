"""Libcloud's CloudStack driver for one zone, and the commands that go through its connection."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from libcloud.compute.providers import get_driver

from orchestra.clouds.connections import Connections
from orchestra.clouds.families.cloudstack import rest
from orchestra.clouds.families.cloudstack.account import Account
from orchestra.clouds.families.cloudstack.jobs import Jobs, Outcome, Verdict, read_job
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.clouds.session import share_connection
from orchestra.clouds.translate import translate
from orchestra.errors import InProgressError, InvalidRequestError, TransientError

_OF_NO_PROJECT: Final = frozenset(
    {
        "listZones",
        "listProjects",
        "listServiceOfferings",
        "listDiskOfferings",
        "listNetworkOfferings",
        "listVPCOfferings",
    }
)
"""Lists of what belongs to no project."""


class Drivers:
    """One thread's driver. ``jobs`` are those of all threads."""

    def __init__(self, account: Account, connections: Connections, jobs: Jobs) -> None:
        self._account = account
        self._connections = connections
        self.jobs = jobs

    @functools.cached_property
    def driver(self) -> Any:
        """Libcloud's driver, with a connection that takes signed requests."""
        parts = urlsplit(self._account.endpoint)
        secure = parts.scheme == "https"
        made: Any = get_driver("cloudstack")
        signing = type("SigningDriver", (made,), {"connectionCls": rest.SignedConnection})
        driver: Any = signing(
            self._account.key,
            self._account.secret,
            secure=secure,
            host=parts.hostname,
            port=parts.port or (443 if secure else 80),
            path=parts.path,
        )
        share_connection(driver.connection, self._connections)
        driver.connection.connection.ca_cert = self._account.ca_file
        return driver

    # -- commands

    def ask(self, command: str, **fields: object) -> Any:
        """The content of the answer to a command that changes nothing."""
        return self._send(command, fields, changes=False)

    def do(self, command: str, **fields: object) -> Any:
        """The content of the answer to a command that changes something, with a job in it if it takes long."""
        return self._send(command, fields, changes=True)

    def _send(self, command: str, fields: Mapping[str, object], *, changes: bool) -> Any:
        told = {name: _text(value) for name, value in fields.items() if value is not None}
        account = self._account
        signed = rest.signed({"command": command, **told}, account.key, account.secret, time.time())
        return rest.send(self.driver.connection, self.driver.path, signed, changes=changes)

    def items(self, command: str, key: str, **fields: object) -> Iterator[Item]:
        """The things of all pages of a list. Raises `TransientError` if they are fewer than CloudStack counted."""
        project = None if command in _OF_NO_PROJECT else self.project
        page, seen = 1, 0
        while True:
            content = self.ask(command, **fields, projectid=project, page=page, pagesize=self._account.page)
            rows = content.get(key) or []
            yield from rows
            seen += len(rows)
            count = content.get("count")
            if seen >= int(count or 0) and (count is not None or len(rows) < self._account.page):
                return
            if not rows:
                raise TransientError(f"{command}: {count} things are there and {seen} were told")
            page += 1

    def job(self, identity: object) -> Verdict:
        """How far a job is. One that CloudStack has forgotten, as it does after a day, is over."""
        try:
            return read_job(self.ask("queryAsyncJobResult", jobid=str(identity)))
        except Exception as error:
            if not isinstance(translate(error), InvalidRequestError):
                raise
            return Verdict(Outcome.DONE)

    def finished(self, content: Any, what: str, wait: float) -> None:
        """Raise unless the job in ``content`` is done: a `InProgressError` until it is, else what went wrong.

        ``wait`` is in how many seconds it is worth calling again.
        """
        verdict = self.job(content["jobid"])
        if verdict.outcome is Outcome.FAILED:
            raise rest.RefusalError(f"{verdict.code or 'InternalError'}: {what}: {verdict.text}")
        if verdict.outcome is Outcome.PENDING:
            raise InProgressError(f"{what}: that is under way", retry_after=wait)

    # -- where things are made

    @functools.cached_property
    def zone(self) -> Item:
        """The zone; raises `InvalidRequestError` if there is no such one."""
        return self._named("zone", "listZones", "zone", self._account.zone)

    @functools.cached_property
    def project(self) -> str | None:
        """The id of the project, None for the account's own things."""
        if not self._account.project:
            return None
        return str(self._named("project", "listProjects", "project", self._account.project)["id"])

    @property
    def zone_id(self) -> str:
        """The id of the zone."""
        return str(self.zone["id"])

    @property
    def zone_name(self) -> str:
        """The name of the zone."""
        return str(self.zone["name"])

    @property
    def place(self) -> dict[str, str | None]:
        """What a creation says of where and for whom it is."""
        return {"zoneid": self.zone_id, "projectid": self.project}

    def _named(self, what: str, command: str, key: str, wanted: str) -> Item:
        offered = list(self.items(command, key))
        for one in offered:
            if wanted in (one.get("name"), str(one["id"])):
                return one
        names = ", ".join(sorted(str(one.get("name")) for one in offered)) or "none"
        raise InvalidRequestError(
            f"{wanted!r} is no {what} that this account has", sent=False, remedy=f"use one of {names}"
        )

    def check_zone(self, wanted: str | None) -> None:
        """Raise `InvalidRequestError` if another zone is wanted than that of the cloud."""
        if wanted not in (None, self.zone_name, self.zone_id):
            raise InvalidRequestError(
                f"zone {wanted!r} can't be had from a cloud that is in {self.zone_name!r}",
                sent=False,
                remedy=f"give zone={self.zone_name!r}, or make another cloudstack(zone={wanted!r})",
            )

    # -- what the operator offers

    @functools.cached_property
    def capabilities(self) -> Item:
        """What CloudStack tells of its version and of what this account may do."""
        told: Item = self.ask("listCapabilities").get("capability") or {}
        return told

    @property
    def may_expunge(self) -> bool:
        """Whether this account may take a server away at once, and not only when CloudStack does it."""
        return bool(self.capabilities.get("allowuserexpungerecovervm"))

    @functools.cached_property
    def sizes(self) -> dict[str, str]:
        """The ids of the service offerings, by name; of several with one name the first by id."""
        offered = sorted(
            self.items("listServiceOfferings", "serviceoffering"), key=lambda one: str(one["id"]), reverse=True
        )
        return {str(one["name"]): str(one["id"]) for one in offered}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
