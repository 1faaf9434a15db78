"""Listing what runs in a cloud. The only part of adoption that makes calls, and it only reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import attrs

from orchestra.contracts import Cloud, Observation, Ownership, Provider, Status
from orchestra.errors import UnsupportedError
from orchestra.model.resource import Resource, known_kinds
from orchestra.model.values import Plain
from orchestra.resources.catalogue import KINDS

Kinds: TypeAlias = Iterable[type[Resource] | str]
"""Kinds, each as its class or by its name: ``oc.Server`` or ``"compute.Server"``."""


@attrs.frozen(kw_only=True)
class Discovered:
    """One thing that is in a cloud.

    ``inputs`` and ``outputs`` are what the cloud tells, in the form of the kind's inputs and outputs; an input that
    it doesn't tell isn't there. ``name`` is what people call it in the cloud, '' if they don't. ``detail`` is the
    cloud's own word for a status that isn't ready. ``ownership`` says which deployment made it; None: none did.
    ``comes_with`` is the id of what the cloud made it with, unasked; '' for what was asked for.
    """

    kind: str
    external_id: str
    name: str = ""
    inputs: Mapping[str, Plain] = attrs.field(factory=dict, repr=False)  # a script in them may hold a password
    outputs: Mapping[str, Plain] = attrs.field(factory=dict, repr=False)
    status: Status = Status.READY
    detail: str = ""
    ownership: Ownership | None = None
    comes_with: str = ""

    @property
    def is_managed(self) -> bool:
        """Whether a deployment made it. What a deployment adopted doesn't show in the cloud."""
        return self.ownership is not None

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels; none where its kind can't have any."""
        told = self.inputs.get("labels")
        return {key: str(value) for key, value in told.items()} if isinstance(told, Mapping) else {}


def kinds_of(cloud: Cloud) -> tuple[type[Resource], ...]:
    """The kinds that ``cloud`` can do: those of the catalogue first, then those defined elsewhere. Makes no call."""
    known = {cls.kind.name: cls for cls in KINDS}
    known |= {name: spec.cls for name, spec in sorted(known_kinds().items()) if name not in known}
    return tuple(cls for name, cls in known.items() if cloud.provider(name) is not None)


def discover(cloud: Cloud, kinds: Kinds | None = None) -> Iterator[Discovered]:
    """Everything of these ``kinds`` that is in ``cloud``, kind by kind; by default of every kind that it can do.

    Lists are read page by page, as far as the result is looped over; nothing is changed. Raises `UnsupportedError`
    at once for a kind that the cloud can't do, and `CloudError` while looping if it can't be read.
    """
    wanted = [cls.kind.name for cls in kinds_of(cloud)] if kinds is None else _names(kinds)
    return _listed([_provider(cloud, kind) for kind in wanted])


class Discoverable:
    """Gives a cloud its `discover`."""

    def discover(self: Cloud, kinds: Kinds | None = None) -> Iterator[Discovered]:
        """Everything of these ``kinds`` that is here, page by page; see `orchestra.discover`."""
        return discover(self, kinds)


def _names(kinds: Kinds) -> list[str]:
    given = (kinds,) if isinstance(kinds, str) else kinds
    return list(dict.fromkeys(kind if isinstance(kind, str) else kind.kind.name for kind in given))


def _provider(cloud: Cloud, kind: str) -> Provider:
    found = cloud.provider(kind)
    if found is None:
        able = ", ".join(cls.kind.name for cls in kinds_of(cloud))
        raise UnsupportedError(f"the cloud {cloud.name!r} can't do {kind}", remedy=f"it can do {able or 'nothing'}")
    return found


def _listed(providers: Iterable[Provider]) -> Iterator[Discovered]:
    for provider in providers:
        for observation in provider.list():
            yield _discovered(provider.kind, observation)


def _discovered(kind: str, told: Observation) -> Discovered:
    return Discovered(
        kind=kind,
        external_id=told.external_id,
        name=told.name,
        inputs=told.inputs,
        outputs=told.outputs,
        status=told.status,
        detail=told.detail,
        ownership=told.ownership,
        comes_with=told.comes_with,
    )
