"""What a project tells all its instances: entries of text, which everybody who writes must write all at once.

https://cloud.google.com/compute/docs/reference/rest/v1/projects/setCommonInstanceMetadata
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from orchestra.clouds.families.gce.connecting import Drivers
from orchestra.clouds.families.gce.rest import Item
from orchestra.clouds.translate import translate
from orchestra.errors import InvalidRequestError, QuotaError, TransientError

Entries: TypeAlias = Mapping[str, str]

VALUE: Final = 256 * 1024
"""Bytes of a value; see https://cloud.google.com/compute/docs/reference/rest/v1/Metadata."""
TOTAL: Final = 512 * 1024
"""Bytes of all keys and values together."""

_CHANGED: Final = "ConditionNotMet"
"""The code for metadata that another has changed since it was read."""
_TRIES: Final = 8
_LATER: Final = 5.0
"""Seconds after which it is worth trying again what others were always faster at."""


def entries(drivers: Drivers) -> dict[str, str]:
    """All entries, by key. Raises `TransientError` for an answer without them: none is taken for gone by it."""
    return _by_key(_read(drivers))


def edit(drivers: Drivers, change: Callable[[Entries], Entries | None]) -> None:
    """Bring the entries to what ``change`` makes of them, None for no change; read again if another was faster.

    Threads of this process take turns. What others write at the same time stays as they wrote it: Google refuses what
    was made of entries that aren't the last ones, and the fingerprint says of which it was made. Raises `QuotaError`
    if they are too many, `InvalidRequestError` if one is too long.
    """
    with drivers.turn:
        for _ in range(_TRIES):
            told = _read(drivers)
            wanted = change(_by_key(told))
            if wanted is None:
                return
            _refuse_large(wanted)
            body = {
                "kind": "compute#metadata",
                "fingerprint": told["fingerprint"],
                "items": [{"key": key, "value": value} for key, value in wanted.items()],
            }
            try:
                drivers.change("POST", f"{drivers.project}/setCommonInstanceMetadata", body)
                return
            except Exception as error:
                if translate(error).code != _CHANGED:
                    raise
    raise TransientError(
        f"the metadata of the project was changed by others {_TRIES} times in a row while it was to be changed",
        retry_after=_LATER,
    )


def _read(drivers: Drivers) -> Item:
    told = drivers.ask("GET", drivers.project)
    found = told.get("commonInstanceMetadata") if isinstance(told, Mapping) else None
    if not isinstance(found, Mapping) or "fingerprint" not in found:
        raise TransientError("the project tells no metadata", remedy="check the endpoint")
    return found


def _by_key(told: Item) -> dict[str, str]:
    return {str(one["key"]): str(one.get("value") or "") for one in told.get("items") or ()}


def _refuse_large(wanted: Entries) -> None:
    for key, value in wanted.items():
        if len(value.encode()) > VALUE:
            raise InvalidRequestError(
                f"{key} has {len(value.encode())} bytes: an entry of a project's metadata has room for {VALUE}",
                sent=False,
                remedy="make it shorter",
            )
    total = sum(len(key.encode()) + len(value.encode()) for key, value in wanted.items())
    if total >= TOTAL:
        raise QuotaError(
            f"the metadata of the project would have {total} bytes: there is room for less than {TOTAL}",
            sent=False,
            remedy="delete what nothing needs any more, such as other key pairs, or use another project",
        )
