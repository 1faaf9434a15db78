"""A cloud put together from parts of others."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from orchestra import contracts
from orchestra.adoption.discovering import Discoverable
from orchestra.errors import DefinitionError

_SERVICES: Final = MappingProxyType({"network": "compute"})
"""Services that another one's drivers serve: Libcloud's compute drivers have the networks."""


class Cloud(Discoverable):
    """A cloud put together per service: ``Cloud(compute=aws, dns=other, storage=third)``.

    Each argument is a cloud of which only that service is taken; ``base`` serves the rest. ``compute`` serves
    networks too. ``providers`` adds kinds of your own, and goes before the others. ``name`` stands in the state
    for this cloud and must stay the same; by default it is made of the parts' names.
    """

    def __init__(
        self,
        *,
        base: contracts.Cloud | None = None,
        compute: contracts.Cloud | None = None,
        balancing: contracts.Cloud | None = None,
        dns: contracts.Cloud | None = None,
        storage: contracts.Cloud | None = None,
        containers: contracts.Cloud | None = None,
        providers: Sequence[contracts.Provider] = (),
        name: str | None = None,
    ) -> None:
        given = {
            "compute": compute,
            "balancing": balancing,
            "dns": dns,
            "storage": storage,
            "containers": containers,
        }
        self._parts = {service: part for service, part in given.items() if part is not None}
        self._base = base
        self._providers = {provider.kind: provider for provider in providers}
        if not (self._parts or base or providers):
            raise DefinitionError(
                "Cloud() has no part", remedy="give it one: Cloud(compute=clouds.aws(region=…), dns=…)"
            )
        names = [f"{service}={part.name}" for service, part in sorted(self._parts.items())]
        self.name = name or "+".join(([base.name] if base else []) + names) or "custom"

    def provider(self, kind: str) -> contracts.Provider | None:
        """See `contracts.Cloud.provider`."""
        if kind in self._providers:
            return self._providers[kind]
        part = self._part(kind)
        return part.provider(kind) if part else None

    def lacks(self, kind: str) -> str:
        """See `contracts.Explaining.lacks`."""
        part: object = None if kind in self._providers else self._part(kind)
        return part.lacks(kind) if isinstance(part, contracts.Explaining) else ""

    def _part(self, kind: str) -> contracts.Cloud | None:
        """The cloud that serves ``kind``."""
        service = kind.partition(".")[0]
        return self._parts.get(_SERVICES.get(service, service), self._base)

    def verify(self) -> None:
        """See `contracts.Cloud.verify`: of every part, each once."""
        for part in {id(part): part for part in [*self._parts.values(), self._base] if part}.values():
            part.verify()

    def __repr__(self) -> str:
        return f"Cloud({self.name})"
