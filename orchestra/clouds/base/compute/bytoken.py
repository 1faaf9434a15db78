"""Families whose cloud takes one token for all that it has: servers by one driver of Libcloud's, domains by another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from orchestra.clouds.base.compute.cloud import Beside, FamilyCloud, Site, compute_calls, credential_given
from orchestra.clouds.base.compute.traits import Traits
from orchestra.clouds.base.dns import dns_calls
from orchestra.clouds.base.domains import DOMAINS
from orchestra.clouds.base.driver import Endpoint, LibcloudDriver
from orchestra.clouds.provider import Calls

T = TypeVar("T", bound="ByToken")


class ByToken:
    """Goes first among the bases of a driver for servers. Libcloud's own `__new__` makes another class."""

    def __new__(cls: type[T], token: str) -> T:
        """The class that is asked for."""
        return object.__new__(cls)

    def __init__(self, token: str) -> None:
        make: Any = super().__init__
        make(token)


@attrs.frozen(kw_only=True)
class TokenFamily:
    """Such a family: what its driver for servers is, where its API is, and the environment's ``variable`` of the token.

    The function that makes its clouds is called as Libcloud calls its provider.
    """

    traits: Traits
    driver: type[ByToken]
    api: str
    variable: str

    @property
    def calls(self) -> tuple[Calls[LibcloudDriver], ...]:
        """The calls of each kind that it has."""
        return (*compute_calls(self.traits), *dns_calls(self.traits.provider))

    def cloud(
        self,
        *,
        region: str,
        token: str | None,
        endpoint: str | None,
        name: str | None,
        consistency_seconds: float,
        settings: Mapping[str, str | None] | None = None,
    ) -> FamilyCloud:
        """Its cloud; the arguments are those of its function, ``settings`` are for its domains.

        Raises `CredentialsError` when the token is missing and `InvalidRequestError` for a wrong endpoint.
        """
        family = self.traits.provider
        key = credential_given(family, token, "token", self.variable)
        site = Site(
            name=name or f"{family}:{region}",
            region=region,
            endpoint=Endpoint.parse(endpoint or self.api),
            secrets=[key],
            settling=consistency_seconds,
        )
        dns: Any = DOMAINS[family]  # which has no types
        given = {option: value for option, value in (settings or {}).items() if value}
        domains = Beside(make=lambda: dns(key), calls=dns_calls(family), settings=given)
        return FamilyCloud(self.traits, site, lambda: self.driver(key), [domains])
