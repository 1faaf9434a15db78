"""Resource ids in one spelling. Pure.

Azure doesn't tell upper from lower case in them, and its parts spell them differently: a list may have the name of the
resource group in capitals. https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/resource-name-rules
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

import attrs

from orchestra.clouds.families.azure.rest import TYPES, Type
from orchestra.errors import NotFoundError

_WORDS: Final = MappingProxyType(
    {
        word.lower(): word
        for word in (
            "subscriptions",
            "resourceGroups",
            "providers",
            *(part for one in TYPES for part in one.name.split("/")),
        )
    }
)
_TYPES: Final = MappingProxyType({one.name.lower(): one for one in TYPES})


@attrs.frozen
class Ids:
    """The ids of one resource group of a subscription."""

    subscription: str
    group: str

    @property
    def group_path(self) -> str:
        """The id of the resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    def of(self, kind: Type, name: str) -> str:
        """The id of the one of a type that has this name."""
        return f"{self.group_path}/providers/{kind.name}/{name}"

    def told(self, external_id: str) -> str:
        """An id that Azure tells, in our spelling."""
        return "/".join(self._spelt(external_id.split("/")))

    def _spelt(self, parts: list[str]) -> Iterator[str]:
        """The parts of an id: words of Azure's, and names, which alternate behind the provider."""
        known = {"subscriptions": self.subscription, "resourcegroups": self.group}
        before = ""
        for part in parts:
            if before in known:
                ours = known[before]
                yield ours if part.lower() == ours.lower() else part
            else:
                yield _WORDS.get(part.lower(), part) if before not in _NAMED else part
            before = part.lower()

    @staticmethod
    def type_of(external_id: str) -> Type:
        """The type of what has this id; raises `NotFoundError` for one of a type that isn't known here."""
        parts = external_id.partition("/providers/")[2].split("/")
        name = "/".join([*parts[:2], *parts[3::2]]).lower()
        if len(parts) % 2 == 0 or name not in _TYPES:
            raise NotFoundError(f"{external_id!r} is no id of anything that Azure has here", sent=False)
        return _TYPES[name]


_NAMED: Final = frozenset(one.name.rpartition("/")[2].lower() for one in TYPES)
"""What names of things stand behind: those are left as they are."""


def name_in(external_id: str) -> str:
    """The name of what has this id."""
    return external_id.rpartition("/")[2]
