"""Libcloud's services: which providers each has, what serves them here, and how a driver of each is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType, ModuleType
from typing import Any, Final

import attrs
import libcloud.compute.providers
import libcloud.container.providers
import libcloud.dns.providers
import libcloud.loadbalancer.providers
import libcloud.storage.providers

from orchestra.clouds.base.dns import DIALECTS, dns_calls, dns_terms
from orchestra.clouds.base.domains import DOMAINS
from orchestra.clouds.base.driver import LibcloudDriver, Terms
from orchestra.clouds.base.storage import KEEPERS, STORAGE_DRIVERS, storage_calls, storage_terms
from orchestra.clouds.families.libcloud.balancing import drivers as balancing
from orchestra.clouds.families.libcloud.compute import drivers as compute
from orchestra.clouds.families.libcloud.containers import drivers as containers
from orchestra.clouds.provider import Calls
from orchestra.errors import InvalidRequestError


@attrs.frozen
class Service:
    """What serves a service.

    ``known`` are the providers that can be served; ``calls`` are those of each kind that one serves. ``refused`` tells
    why others can't be. ``verify`` makes a call that wrong credentials fail; ``terms`` tells what options the calls
    take themselves; ``drivers`` are classes to be used in place of Libcloud's own.
    """

    known: Collection[str]
    calls: Callable[[str], Sequence[Calls[LibcloudDriver]]]
    verify: Callable[[LibcloudDriver], object]
    terms: Callable[[str], Terms] = lambda _: Terms()
    refused: Mapping[str, str] = attrs.field(factory=dict)
    drivers: Mapping[str, type] = attrs.field(factory=dict)


SERVICES: Final[Mapping[str, Service]] = MappingProxyType(
    {
        "balancing": Service(
            balancing.BALANCED,
            balancing.calls_of,
            balancing.ask,
            balancing.terms_of,
            balancing.REFUSED,
            {provider: one.driver for provider, one in balancing.BALANCED.items()},
        ),
        "compute": Service(
            compute.PLAIN,
            compute.calls_of,
            compute.ask,
            compute.terms_of,
            compute.REFUSED,
            {provider: plain.driver for provider, plain in compute.PLAIN.items() if plain.driver},
        ),
        "containers": Service(
            containers.RUNNERS,
            containers.calls_of,
            containers.greet,
            containers.terms_of,
            containers.REFUSED,
            containers.DRIVERS,
        ),
        "dns": Service(DIALECTS, dns_calls, lambda access: access.driver.list_zones(), dns_terms, drivers=DOMAINS),
        "storage": Service(
            KEEPERS,
            storage_calls,
            lambda access: access.driver.list_containers(),
            storage_terms,
            drivers=STORAGE_DRIVERS,
        ),
    }
)
"""The services that are served here."""

_MODULES: Final[Mapping[str, ModuleType]] = MappingProxyType(
    {
        "compute": libcloud.compute.providers,
        "dns": libcloud.dns.providers,
        "storage": libcloud.storage.providers,
        "balancing": libcloud.loadbalancer.providers,
        "containers": libcloud.container.providers,
    }
)
"""Where Libcloud lists the providers of each service; the drivers themselves are loaded when one is made."""


def providers(service: str) -> tuple[str, ...]:
    """Libcloud's constants for the providers of ``service``, sorted."""
    listed: Mapping[object, object] = _MODULES[service].DRIVERS
    return tuple(sorted(str(getattr(one, "value", one)) for one in listed))


def settle(provider: str, service: str | None) -> tuple[str, str]:
    """Libcloud's constant for ``provider`` and its service; ``provider`` may be the constant's name too.

    Raises `InvalidRequestError` for a provider that Libcloud doesn't have, one that several services have while
    ``service`` is None, and one that isn't served here.
    """
    if service is not None and service not in _MODULES:
        raise InvalidRequestError(
            f"libcloud(): {service!r} is no service", sent=False, remedy=f"use one of {', '.join(_MODULES)}"
        )
    constants = {one: _constant(one, provider) for one in _MODULES if service in (None, one)}
    found = [(constant, one) for one, constant in constants.items() if constant]
    if not found:
        raise InvalidRequestError(
            f"libcloud(): Libcloud has no provider {provider!r}" + (f" for {service}" if service else ""),
            sent=False,
            remedy=f"use one of {', '.join(providers(service))}" if service else "see libcloud.readthedocs.io",
        )
    if len(found) > 1:
        raise InvalidRequestError(
            f"libcloud(): {provider!r} is there for {' and '.join(one for _, one in found)}",
            sent=False,
            remedy=f"say which is meant: service={found[0][1]!r}",
        )
    constant, named = found[0]
    if constant not in SERVICES[named].known:
        why = SERVICES[named].refused.get(constant, "how its driver speaks isn't known here")
        raise InvalidRequestError(
            f"libcloud(): {named} of {constant} isn't served: {why}",
            sent=False,
            remedy=f"use one of {', '.join(served(named))}",
        )
    return found[0]


def served(service: str) -> tuple[str, ...]:
    """The providers of ``service`` that are served here, sorted."""
    return tuple(one for one in providers(service) if one in SERVICES[service].known)


def every_call() -> Mapping[str, Sequence[Calls[LibcloudDriver]]]:
    """What each provider's kinds are served by, whichever service they belong to; loads the classes of drivers."""
    every = sorted({one for service in SERVICES for one in served(service)})
    return {
        provider: tuple(
            calls for name, service in SERVICES.items() if provider in served(name) for calls in service.calls(provider)
        )
        for provider in every
    }


def _constant(service: str, provider: str) -> str | None:
    named = getattr(_MODULES[service].Provider, provider, None)
    wanted = str(getattr(named, "value", named)) if isinstance(named, str) else provider
    return next((one for one in providers(service) if one.lower() == wanted.lower()), None)


def make_driver(provider: str, service: str, credentials: Sequence[str], named: Mapping[str, Any]) -> Any:
    """A new driver of Libcloud's.

    ``credentials`` (a key, and a secret if there is one) go to the arguments that are called so, else to the first
    ones, and ``named`` to those of its names. Raises `InvalidRequestError` for a region that the driver doesn't take.
    """
    make = SERVICES[service].drivers.get(provider) or _MODULES[service].get_driver(provider)
    accepted = _arguments(make)
    if "region" in named and "region" not in accepted:
        raise InvalidRequestError(
            f"libcloud(): {provider} takes no region", sent=False, remedy="leave it out, or name the place in options="
        )
    if {"key", "secret"} <= set(accepted):
        return make(**dict(zip(("key", "secret"), credentials, strict=False)), **named)
    return make(*credentials, **named)


def _arguments(cls: type) -> tuple[str, ...]:
    """The names of the arguments that a class of drivers takes, of the first constructor that names any."""
    for one in cls.__mro__:
        if "__init__" in vars(one):
            named = inspect.signature(one).parameters.values()
            names = tuple(each.name for each in named if each.kind is each.POSITIONAL_OR_KEYWORD)
            if names:
                return names
    return ()
