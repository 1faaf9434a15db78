"""The cloud object for one driver of Libcloud's, and the function that makes one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from orchestra.adoption.discovering import Discoverable
from orchestra.clouds.base.driver import ConnectionsTo, Endpoint, LibcloudDriver, connect
from orchestra.clouds.connections import Connections
from orchestra.clouds.families.libcloud.services import SERVICES, make_driver, settle
from orchestra.clouds.provider import DriverProvider, translated
from orchestra.clouds.session import Session
from orchestra.clouds.translate import translate
from orchestra.contracts import Provider
from orchestra.errors import InvalidRequestError

_SECRET: Final = re.compile(r"key|password|secret|token")
"""Options named so are never shown."""


class LibcloudCloud(Discoverable):
    """One provider of one service, through Libcloud's base API; make it with `libcloud`. Safe to use from threads."""

    def __init__(
        self, name: str, service: str, provider: str, session: Session[LibcloudDriver], settling: float
    ) -> None:
        self.name = name
        self._service = SERVICES[service]
        self._session = session
        self._providers: Mapping[str, Provider] = MappingProxyType(
            {
                calls.kind: DriverProvider(calls, session, translate, settling=settling)
                for calls in self._service.calls(provider)
            }
        )

    def provider(self, kind: str) -> Provider | None:
        """See `contracts.Cloud.provider`."""
        return self._providers.get(kind)

    def verify(self) -> None:
        """See `contracts.Cloud.verify`: asks for a list that every provider of the service has."""
        try:
            self._service.verify(self._session.driver())
        except Exception as error:
            raise translated(error, self._session, translate) from error

    def __repr__(self) -> str:
        return f"LibcloudCloud({self.name})"


def libcloud(
    provider: str,
    *,
    service: str | None = None,
    region: str | None = None,
    key: str | None = None,
    secret: str | None = None,
    endpoint: str | None = None,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
    consistency_seconds: float | None = None,
) -> LibcloudCloud:
    """One provider of one service, through Libcloud's base API.

    ``provider`` is a constant of Libcloud's, such as ``powerdns``, or that constant's name. ``service`` is
    ``compute``, ``dns``, ``storage``, ``balancing`` or ``containers``; it is needed only where several have a provider
    of that name. ``key`` and ``secret`` are the driver's credentials: its arguments of these names, else its first
    ones. ``options`` are further arguments of the driver, and settings of the calls. ``name`` stands in the state for
    this cloud and must stay the same; default the provider, with the region if there is one. ``consistency_seconds``:
    for so long after a creation "not found" is not taken for gone but asked again; default 30 on EC2 and ECS, else 0.

    ``endpoint`` is the URL of the server, such as ``http://127.0.0.1:8081``, by default that of the provider. The
    driver's requests go to no other; where one logs in at another server first (Google's, OpenStack's), its own
    ``options`` say where that is.

    Most drivers call nothing while they are made. Raises `InvalidRequestError` for a provider that Libcloud doesn't
    have, one that isn't unique, and a wrong endpoint.
    """
    constant, found = settle(provider, service)
    place = Endpoint.parse(endpoint) if endpoint is not None else None
    given, terms = dict(options or {}), SERVICES[found].terms(constant)
    settings = {option: given.pop(option) for option in terms.settings if option in given}
    connections = _certified(ConnectionsTo(place) if place else Connections(), settings)
    named = {
        **terms.defaults,
        **({"region": region} if region else {}),
        **_place(place if terms.hosted else None),
        **given,
    }
    credentials = [one for one in (key, secret) if one is not None]

    def make() -> LibcloudDriver:
        driver = connect(make_driver(constant, found, credentials, named), connections, place)
        return LibcloudDriver(constant, driver, settings)

    title = name or (f"{constant}:{region}" if region else constant)
    settling = terms.settling if consistency_seconds is None else consistency_seconds
    return LibcloudCloud(title, found, constant, Session(make, _secrets(constant, credentials, given)), settling)


def _certified(connections: Connections, settings: Mapping[str, Any]) -> Connections:
    """``connections`` with the certificates that ``settings`` name; raises `InvalidRequestError` for half of a pair."""
    pair = [name for name in ("cert_file", "key_file") if settings.get(name)]
    if len(pair) == 1:
        raise InvalidRequestError(
            f"options: {pair[0]} is of no use alone", sent=False, remedy="give cert_file and key_file, or neither"
        )
    connections.authority = settings.get("ca_cert")
    if pair:
        connections.cert = (settings["cert_file"], settings["key_file"])
    return connections


def _secrets(provider: str, credentials: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """What no message may show: all credentials but the folder of a local one, and options that are named as secret."""
    hidden = [value for name, value in options.items() if _SECRET.search(name) and isinstance(value, str) and value]
    return hidden + ([] if provider == "local" else list(credentials))


def _place(endpoint: Endpoint | None) -> dict[str, Any]:
    if endpoint is None:
        return {}
    return {"host": endpoint.host, "port": endpoint.port, "secure": endpoint.secure}
