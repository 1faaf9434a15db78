"""Key pairs: Google has no such things, so each is an entry of what the project tells its instances.

Not of ``ssh-keys``, which would let the key into every instance: a server takes what it is to have from here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from orchestra.clouds.base.compute.marking import unique_name
from orchestra.clouds.base.compute.objects import sha256_fingerprint
from orchestra.clouds.families.gce import metadata
from orchestra.clouds.families.gce.connecting import Drivers
from orchestra.clouds.families.gce.metadata import Entries
from orchestra.clouds.provider import Calls
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Refusal, Update
from orchestra.errors import ConflictError, InvalidRequestError, NotFoundError

HOME: Final = "commonInstanceMetadata/"
"""What the external id of a key pair begins with: its entry's key comes after that."""

_PREFIX: Final = "orchestra-key-"
_LONGEST: Final = 127 - len(_PREFIX)
"""Characters in a name: keys have less than 128 bytes."""
_NAME: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST}}}")
_USER: Final = re.compile(r"([a-z_][a-z0-9_-]{0,31})(?:@\S*)?")
"""A comment that says whose a key is; what may be a name of a user is what Linux's ``useradd`` takes."""

_NAMELESS: Final = (
    "Compute Engine makes a user for each key, whom the key's comment must name",
    "write user@host, or the user alone, behind the key",
)
_IMPOSSIBLE: Final = (
    f"the name stands in a key of metadata, which has up to {_LONGEST} letters, digits, '-' and '_'",
    "write it so, or leave it out",
)


class KeyPairCalls(Calls[Drivers]):
    """A public key, and whose it is, in an entry under a key of its own. Google computes no fingerprint of it."""

    kind = "compute.KeyPair"
    found_by = FoundBy.TAG
    found_key = "the token in the entry of its name"
    page = None

    @staticmethod
    def refuse(inputs: Mapping[str, object]) -> Iterator[Refusal]:
        """See `Capabilities.refuse`."""
        key, name = inputs.get("public_key"), inputs.get("name")
        if isinstance(key, str) and user_of(key) is None:
            yield Refusal(why=_NAMELESS[0], remedy=_NAMELESS[1])
        if isinstance(name, str) and not _NAME.fullmatch(name):
            yield Refusal(why=_IMPOSSIBLE[0], remedy=_IMPOSSIBLE[1])

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: refused if there is one of that name that isn't from the token."""
        key, value = _key(inputs, owner), _value(inputs, owner)

        def added(entries: Entries) -> Entries | None:
            if key not in entries:
                return {**entries, key: value}
            if not _is_of(_told(key, entries[key]), owner):
                raise ConflictError(
                    f"there is a {self.kind} {key.removeprefix(_PREFIX)} already, and not from here",
                    remedy="choose another name, or adopt what is there",
                )
            return None

        metadata.edit(driver, added)
        return _told(key, value)

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        wanted = frozenset(ids)
        return (found for found in self.everything(driver) if found.external_id in wanted)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        key = external_id.removeprefix(HOME)
        value = metadata.entries(driver).get(key)
        if value is None:
            raise NotFoundError(f"the project's metadata has no entry {key}")
        return _told(key, value)

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the name."""
        key = _key(inputs, owner)
        value = metadata.entries(driver).get(key)
        found = None if value is None else _told(key, value)
        return found if found is not None and _is_of(found, owner) else None

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of a key pair can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: the entry alone."""
        key = external_id.removeprefix(HOME)
        metadata.edit(driver, lambda entries: _without(entries, key) if key in entries else None)

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`: one call tells of all."""
        found = metadata.entries(driver)
        return (_told(key, found[key]) for key in sorted(found) if key.startswith(_PREFIX))


def instance_key(drivers: Drivers, external_id: str) -> str:
    """What an instance takes as the key pair ``external_id``: ``user:type base64 comment``."""
    key = str(KeyPairCalls().look_up(drivers, external_id).inputs["public_key"])
    return f"{_user(key)}:{key}"


def user_of(key: str) -> str | None:
    """Whom the comment of a public key names, None if it names nobody."""
    parts = key.split(maxsplit=2)
    found = _USER.fullmatch(parts[2].strip()) if len(parts) > 2 else None
    return found[1] if found else None


def _user(key: str) -> str:
    user = user_of(key)
    if user is None or "\n" in key:  # a second line would be another key
        raise InvalidRequestError(_NAMELESS[0], sent=False, remedy=_NAMELESS[1])
    return user


def _key(inputs: Inputs, owner: Ownership) -> str:
    name = inputs.optional_text("name") or unique_name(owner, 63)
    if not _NAME.fullmatch(name):
        raise InvalidRequestError(_IMPOSSIBLE[0], sent=False, remedy=_IMPOSSIBLE[1])
    return _PREFIX + name


def _value(inputs: Inputs, owner: Ownership) -> str:
    key = inputs.text("public_key").strip()
    _user(key)
    return json.dumps({"public_key": key, **owner.tags()}, sort_keys=True)


def _told(key: str, value: str) -> Observation:
    """What an entry tells; one that somebody has written over has no owner, and another key."""
    try:
        parts = json.loads(value)
    except ValueError:
        parts = None
    if not isinstance(parts, Mapping):
        parts = {"public_key": value}
    public_key, name = str(parts.get("public_key") or ""), key.removeprefix(_PREFIX)
    return Observation(
        external_id=f"{HOME}{key}",
        inputs={"name": name, "public_key": public_key},
        outputs={"fingerprint": sha256_fingerprint(public_key)},
        ownership=Ownership.from_tags({str(tag): str(text) for tag, text in parts.items()}),
        name=name,
    )


def _is_of(found: Observation, owner: Ownership) -> bool:
    return found.ownership is not None and found.ownership.token == owner.token


def _without(entries: Entries, key: str) -> dict[str, str]:
    return {name: value for name, value in entries.items() if name != key}
