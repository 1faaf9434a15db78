"""The state of Terraform and OpenTofu, format version 4, as far as taking over needs it. Pure but for reading a file.

What the state marks as sensitive is taken out here, before anything else sees it: also where the same text stands in
an attribute that isn't marked, as in what a provider computed of it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from orchestra.errors import DefinitionError

VERSION: Final = 4
_TELLING: Final = 8
"""Characters from which on a text that is sensitive in one place is taken to be the same secret in another."""

Attributes: TypeAlias = Mapping[str, Any]
"""JSON of whatever form the provider's schema has; mappings look into it with care."""

_MODULE: Final = re.compile(r"module\.([^.\[]+)(?:\[(?:\"((?:[^\"\\]|\\.)*)\"|(\d+))\])?")


@attrs.frozen(kw_only=True)
class Instance:
    """One instance of a resource: ``key`` tells apart those of one ``count`` (a number) or ``for_each`` (a text).

    ``module`` is the path of modules that it is in. ``is_read`` is a data source: it was looked up, not made. ``fault``
    says why it can't be taken over, '' if nothing stands against it.
    """

    type: str
    name: str
    module: str = ""
    key: int | str | None = None
    is_read: bool = False
    fault: str = ""
    attributes: Attributes = attrs.field(factory=dict, repr=False)
    sensitive: frozenset[str] = frozenset()

    @property
    def address(self) -> str:
        """What Terraform calls it."""
        path = [self.module, "data" if self.is_read else "", self.type, self.name]
        key = "" if self.key is None else f"[{json.dumps(self.key, ensure_ascii=False)}]"
        return ".".join(filter(None, path)) + key

    @property
    def modules(self) -> tuple[str, ...]:
        """The names of its modules, the outermost first, each with its key if it has one."""
        found = ((one[1], one[3] if one[2] is None else one[2]) for one in _MODULE.finditer(self.module))
        return tuple(name if key is None else f"{name} {key}" for name, key in found)

    def get(self, name: str) -> Any:
        """The attribute ``name``; None where the state doesn't have it. Raises `DefinitionError` if it is sensitive."""
        if name in self.sensitive:
            raise DefinitionError(f"Terraform marks its {name} as sensitive")
        return self.attributes.get(name)

    def text(self, name: str) -> str:
        """The attribute ``name`` as text; '' where the state doesn't have it."""
        value = self.get(name)
        return "" if value is None else str(value)

    def blocks(self, name: str) -> Sequence[Attributes]:
        """The blocks ``name``; a single one counts as a list of one."""
        value = self.get(name)
        found = value if isinstance(value, list) else [value]
        return [one for one in found if isinstance(one, Mapping)]

    def texts(self, name: str) -> list[str]:
        """The texts in the list ``name``."""
        value = self.get(name)
        return [str(one) for one in value] if isinstance(value, list) else []

    def has(self, *names: str) -> bool:
        """Whether one of these attributes is set, be it sensitive or not."""
        return any(name in self.sensitive or bool(self.attributes.get(name)) for name in names)


class World:
    """Every instance of a state, to be looked up by type and attribute."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self.instances = tuple(instances)
        self._by_type: dict[str, list[Instance]] = {}
        for one in instances:
            self._by_type.setdefault(one.type, []).append(one)

    def of(self, *types: str, **wanted: object) -> Iterator[Instance]:
        """Those of the ``types`` whose attributes are as ``wanted``, data sources among them."""
        for name in types:
            for one in self._by_type.get(name, ()):
                if all(key not in one.sensitive and one.attributes.get(key) == value for key, value in wanted.items()):
                    yield one


def read_state(state: str | os.PathLike[str] | Mapping[str, Any]) -> World:
    """The instances in a state file, or in a state that was read already.

    Raises `OSError` for a file that can't be read, and `DefinitionError` for what isn't a state of version 4.
    """
    if isinstance(state, Mapping):
        document: Any = state
    else:
        try:
            document = json.loads(Path(state).read_text(encoding="utf-8"))
        except ValueError as error:
            raise DefinitionError(
                f"{os.fspath(state)} is no Terraform state: {error}", remedy="write one with terraform state pull"
            ) from None  # the cause would hold the whole file
    version = document.get("version") if isinstance(document, Mapping) else None
    if version != VERSION or not isinstance(document.get("resources"), list):
        raise DefinitionError(
            f"this is no Terraform state of version {VERSION}; its version is {version!r}",
            remedy="have Terraform 0.12 or later, or OpenTofu, write it: terraform state pull > state.json",
        )
    resources = document["resources"]
    secrets = {text for resource in resources for one in _given(resource) for text in _secrets(one)}
    return World([one for resource in resources for one in _instances(resource, secrets)])


def _given(resource: Attributes) -> Sequence[Attributes]:
    return resource.get("instances") or ()


def _instances(resource: Attributes, secrets: Collection[str]) -> Iterator[Instance]:
    for one in _given(resource):
        attributes = one.get("attributes") or {}
        sensitive = frozenset(_marked(one)) | {
            name
            for name, value in attributes.items()
            if any(part in text for text in _texts(value) for part in secrets)
        }
        yield Instance(
            type=str(resource.get("type")),
            name=str(resource.get("name")),
            module=str(resource.get("module") or ""),
            key=one.get("index_key"),
            is_read=resource.get("mode") == "data",
            fault=_fault(one),
            attributes={name: value for name, value in attributes.items() if name not in sensitive},
            sensitive=sensitive,
        )


def _fault(instance: Attributes) -> str:
    if instance.get("deposed"):
        return "it was replaced and is still to be deleted: let Terraform do that first"
    if instance.get("status") == "tainted":
        return "Terraform calls it tainted: it was never finished, or is to be replaced"
    return "" if isinstance(instance.get("attributes"), Mapping) else "its attributes aren't in the state"


def _marked(instance: Attributes) -> Iterator[str]:
    """The attributes of which a part is marked as sensitive: all of such a one is."""
    for path in instance.get("sensitive_attributes") or ():
        first = path[0] if isinstance(path, list) and path else path
        if isinstance(first, Mapping) and isinstance(first.get("value"), str):
            yield first["value"]


def _secrets(instance: Attributes) -> Iterator[str]:
    """The texts that are marked, as far as they are long enough to be recognised."""
    for path in instance.get("sensitive_attributes") or ():
        value: Any = instance.get("attributes")
        for step in path if isinstance(path, list) else [path]:
            value = _part(value, step)
        yield from (text for text in _texts(value) if len(text) >= _TELLING)


def _part(value: Any, step: Any) -> Any:
    """What a step of a path leads to; all of ``value`` if it can't be followed: better too much is hidden."""
    key = step.get("value") if isinstance(step, Mapping) else None
    key = key.get("value") if isinstance(key, Mapping) else key
    if isinstance(value, Mapping):
        return value.get(key, value)
    is_inside = isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value)
    return value[key] if is_inside else value


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
