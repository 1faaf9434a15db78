"""Asked of clouds before a plan is made: can they do it, and what do they choose."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from orchestra.contracts import Capabilities, Clock, Cloud, Families
from orchestra.engine.patience import patiently
from orchestra.engine.reading import provider_for
from orchestra.errors import ApplyError, CloudError, PlanError, UnsupportedError
from orchestra.model.declaration import Declaration, Declared
from orchestra.model.values import Plain
from orchestra.planning.choices import Wanted, to_ask
from orchestra.state.records import Snapshot

_ELSEWHERE: Final = "take out what the cloud can't do, or give those resources one that can (cloud=…)"
_NAMED: Final = 5
"""How many of the resources that lack the same are named."""


def check_support(
    items: Iterable[Declared],
    clouds: Mapping[str, Cloud],
    cloud_of: Callable[[Declared], str],
    families: Callable[[], Families],
) -> None:
    """Raise `UnsupportedError`, all faults at once, if a cloud can't do a kind or an input that is set.

    Each tells which clouds can; ``families`` is asked only then.
    """
    faults: list[_Fault] = []
    limited: dict[tuple[str, str], bool] = {}
    for item in items:
        cloud = cloud_of(item)
        where = cloud, item.kind.name
        if where not in limited:
            limited[where] = _is_limited(clouds, cloud, item)
        if limited[where]:
            faults += _faults(item, clouds, cloud, families)
    if len(faults) == 1:
        raise faults[0].error
    if faults:
        raise _together(faults)


@attrs.frozen(eq=False)
class _Fault:
    """One thing that can't be had. ``elsewhere``: another cloud may have it; else the declaration must be changed."""

    error: UnsupportedError
    elsewhere: bool = False


def _together(faults: Sequence[_Fault]) -> UnsupportedError:
    """All faults in one error: what several resources lack alike is said once, and so is each thing to do."""
    alike: dict[str, list[str]] = {}
    todo: dict[str, list[str]] = {}
    for fault in faults:
        address = str(fault.error.address)
        alike.setdefault(fault.error.message, []).append(address)
        todo.setdefault("" if fault.elsewhere else str(fault.error.remedy), []).append(address)
    resources = list(dict.fromkeys(address for addresses in alike.values() for address in addresses))
    many = "1 resource" if len(resources) == 1 else f"{len(resources)} resources"
    return UnsupportedError(
        f"{many} can't be had as declared:"
        + "".join(f"\n  - {_listed(addresses)}: {message}" for message, addresses in alike.items()),
        address=resources[0],
        remedy="; ".join(f"{_listed(at)}: {remedy}" if remedy else _ELSEWHERE for remedy, at in todo.items()),
    )


def _listed(addresses: Sequence[str]) -> str:
    """Some addresses, the first few by name."""
    more = f" and {len(addresses) - _NAMED} more" if len(addresses) > _NAMED else ""
    return ", ".join(addresses[:_NAMED]) + more


def _is_limited(clouds: Mapping[str, Cloud], cloud: str, item: Declared) -> bool:
    """Whether there is anything about ``item``'s kind that ``cloud`` can't do: most clouds can do all of most kinds."""
    try:
        can = provider_for(clouds, cloud, item.kind.name, item.address).capabilities
    except UnsupportedError:
        return True
    return bool(can.unsupported or can.required or can.fixed or can.refuse)


def _faults(
    item: Declared, clouds: Mapping[str, Cloud], cloud: str, families: Callable[[], Families]
) -> Iterator[_Fault]:
    kind = item.kind.name
    try:
        provider = provider_for(clouds, cloud, kind, item.address)
    except UnsupportedError as error:
        if cloud in clouds:
            error.message += _so_can(families(), kind)
        yield _Fault(error, elsewhere=cloud in clouds)
        return
    for name, why in provider.capabilities.unsupported.items():
        if getattr(item.resource, name, None) not in (None, "", (), [], {}, False):  # it asks for nothing then
            lacking = UnsupportedError(
                f"the cloud {cloud!r} can't do {kind} with {name}: {why}{_so_can(families(), kind, name)}",
                address=item.address,
                remedy=f"take {name} out, or give the resource a cloud that can (cloud=…)",
            )
            yield _Fault(lacking, elsewhere=True)
    yield from map(_Fault, _lacking(item, cloud, provider.capabilities))


def _lacking(item: Declared, cloud: str, can: Capabilities) -> Iterator[UnsupportedError]:
    """The inputs that the cloud can't do without and that aren't given, and those that have another value there."""
    for name, why in can.required.items():
        if getattr(item.resource, name, None) in (None, "", (), [], {}):
            yield UnsupportedError(
                f"the cloud {cloud!r} can't do {item.kind.name} without {name}: {why}",
                address=item.address,
                remedy=f"give it {'' if name.endswith('s') else 'a '}{name}=…",
            )
    for name, (only, why) in can.fixed.items():
        if getattr(item.resource, name, None) not in (None, only):
            yield UnsupportedError(
                f"the cloud {cloud!r} does {item.kind.name} only with {name}={only!r}: {why}",
                address=item.address,
                remedy=f"write {name}={only!r}",
            )
    for refusal in can.refuse({name: getattr(item.resource, name) for name in item.kind.inputs}) if can.refuse else ():
        yield UnsupportedError(
            f"the cloud {cloud!r} can't do this {item.kind.name}: {refusal.why}",
            address=item.address,
            remedy=refusal.remedy,
        )


def _so_can(families: Families, kind: str, name: str = "") -> str:
    """The families of clouds that can do ``kind``, with the input ``name``: as an end of a sentence."""
    able = {
        f"oc.clouds.{family.partition(':')[0]}"
        for family, kinds in families.items()
        if kind in kinds and name not in kinds[kind].unsupported
    }
    return f"; clouds made by {', '.join(sorted(able))} can" if able else ""


def choose_all(
    declaration: Declaration,
    snapshot: Snapshot,
    clouds: Mapping[str, Cloud],
    cloud_of: Callable[[Declared], str],
    clock: Clock,
    refresh: bool = True,
) -> dict[Wanted, str]:
    """The ids for all portable choices that the state doesn't remember; each different wish is asked once.

    With ``refresh``, also for those that are to be made anew.
    """
    wanted: dict[Wanted, tuple[dict[str, Plain], Declared]] = {}
    for item in declaration.resources.values():
        if not item.kind.choices:
            continue
        record = snapshot.records.get(item.address)
        for ask, wish in to_ask(item, cloud_of(item), record, refresh).items():
            wanted.setdefault(ask, (wish, item))
    found: dict[Wanted, str] = {}
    causes: list[Exception] = []
    for ask, (wish, item) in wanted.items():
        try:
            provider = provider_for(clouds, ask.cloud, ask.kind, item.address)
            found[ask] = patiently(functools.partial(provider.choose, ask.name, wish), clock)
        except (PlanError, CloudError) as error:
            error.address = error.address or item.address
            causes.append(error)
    if len(causes) == 1:
        raise causes[0]
    if causes:
        raise ApplyError(
            f"{len(causes)} choices can't be made, so no plan can be",
            causes,
            "choose images and sizes that the cloud has, or name its own ids",
        )
    return found


def keyed_only(items: Iterable[Declared], has_key: bool) -> None:
    """Raise `PlanError` if a kind has secret outputs and there is no key to keep them with."""
    if has_key:
        return
    for item in items:
        secret = [name for name, field in item.kind.outputs.items() if field.secret]
        if secret:
            raise PlanError(
                f"{item.kind.name} has secret outputs ({', '.join(secret)}), which are kept encrypted",
                address=item.address,
                remedy="set the environment variable ORCHESTRA_KEY, or pass Deployment(key=…)",
            )


def name_clouds(default: Cloud, others: Iterable[Cloud], declaration: Declaration) -> dict[str, Cloud]:
    """Every cloud of a deployment by its name. Raises `PlanError` if two different ones share a name."""
    named: dict[str, Cloud] = {}
    declared: dict[int, Cloud] = {}
    for item in declaration.resources.values():
        place = item.cloud
        if place is None or id(place) in declared:  # most by far, and to ask for a protocol takes longer than all else
            continue
        if isinstance(place, Cloud):
            declared[id(place)] = place
        else:
            raise PlanError(
                f"cloud={place!r} is no cloud: it has a name and no providers",
                address=item.address,
                remedy="make one with oc.clouds, or put one together with oc.Cloud",
            )
    for cloud in [default, *others, *declared.values()]:
        known = named.setdefault(cloud.name, cloud)
        if known is not cloud:
            raise PlanError(
                f"two different clouds have the name {cloud.name!r}, by which the state knows them",
                remedy="give one of them another name=, or use the same object for both",
            )
    return named
