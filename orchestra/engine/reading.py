"""Reading clouds in bulk: records of one kind on one cloud together, in parts of a page, all parts side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from orchestra import engine
from orchestra.contracts import Clock, Cloud, Explaining, Observation, Provider, Reading
from orchestra.engine import patience
from orchestra.errors import ApplyError, CloudError, UnsupportedError
from orchestra.model.address import Address
from orchestra.state.records import Record

T = TypeVar("T")
U = TypeVar("U")
RecordKey = tuple[Address, str]

SETTLE_PAUSE: Final = 1.0
"""Seconds between questions for what an eventually consistent cloud does not show yet."""


def provider_for(clouds: Mapping[str, Cloud], cloud: str, kind: str, address: Address) -> Provider:
    """The provider of ``kind`` on the cloud named ``cloud``; raises `UnsupportedError`."""
    found = clouds.get(cloud)
    if found is None:
        raise UnsupportedError(
            f"it is on the cloud {cloud!r}, which this deployment doesn't know; it knows {', '.join(sorted(clouds))}",
            address=address,
            remedy="pass that cloud too: Deployment(…, clouds=[…])",
        )
    provider = found.provider(kind)
    if provider is None:
        why = found.lacks(kind) if isinstance(found, Explaining) else ""
        able = sorted(name for name, other in clouds.items() if other.provider(kind) is not None)
        raise UnsupportedError(
            f"the cloud {cloud!r} can't do {kind}"
            + (f": {why}" if why else "")
            + (f"; {', '.join(able)} can" if able else ""),
            address=address,
            remedy="give the resource a cloud that can (cloud=…), or take it out",
        )
    return provider


def observe_all(
    records: Iterable[Record], clouds: Mapping[str, Cloud], width: int, clock: Clock
) -> dict[RecordKey, Observation | None]:
    """What the clouds tell of ``records``: None for what is gone.

    Raises the error for what can't be read, an `ApplyError` for several.
    """
    parts = list(_parts(records, clouds))
    found: dict[RecordKey, Observation | None] = {}
    causes: list[Exception] = []
    for observations, errors in _asked(lambda part: _observe(part, clouds, clock), parts, width):
        found.update(observations)
        causes += errors
    if len(causes) == 1:
        raise causes[0]
    if causes:
        raise ApplyError(
            f"{len(causes)} resources could not be read, so no plan can be made",
            causes,
            "see to the cause, or plan with refresh=False to go by the state alone",
        )
    return found


def _parts(records: Iterable[Record], clouds: Mapping[str, Cloud]) -> Iterator[list[Record]]:
    """``records`` by cloud and kind, as many together as are best observed with one call."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.cloud, record.kind), []).append(record)
    for (cloud, kind), group in groups.items():
        provider = clouds[cloud].provider(kind) if cloud in clouds else None
        batch = (provider.capabilities.batch if provider is not None else None) or len(group)
        yield from (group[start : start + batch] for start in range(0, len(group), batch))


def _observe(
    part: list[Record], clouds: Mapping[str, Cloud], clock: Clock
) -> tuple[dict[RecordKey, Observation | None], list[Exception]]:
    first = part[0]
    found: dict[RecordKey, Observation | None] = {}
    errors: list[Exception] = []
    try:
        provider = provider_for(clouds, first.cloud, first.kind, first.address)
        reading = _observe_settled(provider, part, clock)
    except (CloudError, UnsupportedError) as error:
        error.address = error.address or first.address
        return {}, [error]
    for record in part:
        if record.external_id in reading.found:
            found[record.key] = reading.found[record.external_id]
        elif record.external_id in reading.gone:
            found[record.key] = None
        else:
            cause = reading.unread.get(record.external_id)
            errors.append(
                CloudError(
                    f"{record.kind} {record.external_id} could not be read" + (f": {cause.message}" if cause else ""),
                    address=record.address,
                )
            )
    return found, errors


def _observe_settled(provider: Provider, part: list[Record], clock: Clock) -> Reading:
    """Observe ``part``. What was made only just now and isn't shown is asked for again until the cloud has settled."""
    reading = patience.observe(provider, [record.external_id for record in part], clock)
    settling = provider.capabilities.settling
    found, unread = dict(reading.found), dict(reading.unread)
    young = [record for record in part if record.external_id in reading.gone]
    while young := [one for one in young if clock.now() - one.made_at < settling]:
        clock.sleep(SETTLE_PAUSE)
        again = patience.observe(provider, [record.external_id for record in young], clock)
        found.update(again.found)
        unread.update(again.unread)
        young = [record for record in young if record.external_id in again.gone]
    return Reading(found=found, gone=reading.gone - found.keys() - unread.keys(), unread=unread)


def verify_all(clouds: Iterable[Cloud], clock: Clock) -> None:
    """Ask each cloud once whether credentials, region and network are right."""
    every = list(clouds)
    _asked(lambda cloud: patience.patiently(cloud.verify, clock), every, len(every))


def _asked(ask: Callable[[T], U], every: Sequence[T], width: int) -> list[U]:
    """What ``ask`` answers to each; one alone takes no threads, nor the time to import them."""
    return engine.side_by_side(ask, every, width) if len(every) > 1 else [ask(one) for one in every]
