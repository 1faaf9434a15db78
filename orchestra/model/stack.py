"""Stacks: classes whose attributes are resources."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, ClassVar, TypeGuard, cast

import attr
import attrs

from orchestra.errors import DefinitionError
from orchestra.garbage import uncollected
from orchestra.model import address, building
from orchestra.model.fields import input_field
from orchestra.model.parameters import Parameter, check_parameters, parameter, parameters_of
from orchestra.model.refs import Output
from orchestra.model.resource import NamedCloud, Resource

if sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:  # pragma: no cover
    from typing_extensions import dataclass_transform


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(parameter, input_field))
class _Declaring:
    """Tells type checkers that annotations in a stack's class, and in `Stack` itself, are what it is made with."""


class Stack(_Declaring):
    """A class of declared resources.

    Annotate parameters in the class body, declare resources in `build`: each resource assigned to an attribute,
    or in a list, tuple or dict assigned to one, has that attribute path as its address. A stack assigned to an
    attribute is a nested stack. Raises `DefinitionError` for wrong parameters, all faults at once.

    Every stack also takes ``cloud=``: where its resources go, and those of the stacks in it, unless they say otherwise.
    """

    cloud: NamedCloud | None = None
    """The cloud that its resources live on. None: that of the stack around it, or else the deployment's."""
    _building: ClassVar[building.Building]
    _parameters: ClassVar[frozenset[str]] = frozenset()
    hint: ClassVar[str] = ""
    """The attribute path of a nested stack inside its parent, as far as it is known while declaring."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        attr.s(cls, auto_attribs=True, kw_only=True, eq=False, repr=False, init=False)
        cls._parameters = frozenset(field.name for field in attrs.fields(cast("type[Any]", cls)))
        if "cloud" in cls._parameters:
            raise DefinitionError(
                f"{cls.__name__}: cloud is no parameter of its own: every stack takes cloud=, where its resources go",
                remedy="give the parameter another name, or leave it out and use self.cloud",
            )

    def __init__(self, *, cloud: NamedCloud | None = None, **parameters: Any) -> None:
        if type(self) is Stack:
            raise DefinitionError("Stack is to be subclassed: class Shop(oc.Stack): def build(self): …")
        check_parameters(type(self), parameters)
        if cloud is not None and not isinstance(cloud, NamedCloud):
            raise DefinitionError(
                f"{type(self).__name__}(cloud={cloud!r}): a cloud is needed, such as oc.clouds.aws(…)"
            )
        object.__setattr__(self, "cloud", cloud)
        outer = building.current()
        if outer is not None:
            outer.stacks.append(self)
        object.__setattr__(self, "_building", building.Building())
        with uncollected(), building.building() as now:
            object.__setattr__(self, "_building", now)
            self.__attrs_init__(**parameters)  # type: ignore[attr-defined]
            self.build()

    def build(self) -> None:
        """Declare the resources. Runs once, when the stack is constructed; it must not call a cloud."""
        raise NotImplementedError(f"{type(self).__name__} has no build(): declare its resources there")

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        """The parameters of this class, in the order declared."""
        return parameters_of(cls)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "cloud":
            raise DefinitionError(
                f"self.cloud is where the resources of {type(self).__name__} go, and given when it is made",
                remedy="use another name for this attribute",
            )
        object.__setattr__(self, name, value)
        if name not in self._parameters:
            for path, found in parts(value, address.attribute(self.hint, name)):
                _give_hint(found, path, (self,))

    def __repr__(self) -> str:
        given = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}" for field in attrs.fields(cast("type[Any]", type(self)))
        )
        return f"{type(self).__name__}({given})"


def parts(value: Any, path: str) -> Iterator[tuple[str, Resource | Stack | Output[Any]]]:
    """The resources, stacks and outputs in ``value``, which is at ``path``: itself, or in lists and dicts."""
    if isinstance(value, (Resource, Stack, Output)):
        yield path, value
    elif isinstance(value, (list, tuple)):
        for index, one in enumerate(value):
            if isinstance(one, Resource):  # the usual case, thousands of times, without a generator for each
                yield address.item(path, index), one
            else:
                yield from parts(one, address.item(path, index))
    elif isinstance(value, dict):
        for key, one in value.items():
            if _fits_an_address(key):
                yield from parts(one, address.item(path, key))
            elif any(True for _ in parts(one, path)):
                raise DefinitionError(
                    f"the key {building.readable(repr(key))} can't be part of an address",
                    address=path,
                    remedy="use text that is known, or a whole number from 0",
                )


def _fits_an_address(key: object) -> TypeGuard[str | int]:
    if isinstance(key, str):
        return not building.holds_token(key)
    return isinstance(key, int) and not isinstance(key, bool) and key >= 0


def members(stack: Stack) -> Iterator[tuple[str, Resource | Stack | Output[Any]]]:
    """What the attributes of ``stack`` hold, with addresses inside it; its parameters are not its own."""
    for name, value in vars(stack).items():
        if name not in stack._parameters and name not in ("_building", "cloud", "hint"):
            yield from parts(value, name)


def _give_hint(found: Resource | Stack | Output[Any], path: str, inside: tuple[Stack, ...]) -> None:
    if isinstance(found, Stack):
        if any(found is one for one in inside):
            raise DefinitionError(
                f"a {type(found).__name__} would lie inside itself",
                address=path,
                remedy="pass what the inner stack needs as a parameter instead",
            )
        object.__setattr__(found, "hint", path)
        for inner, member in members(found):
            _give_hint(member, f"{path}.{inner}", (*inside, found))
    elif isinstance(found, Output):
        found.hint = path
    else:
        object.__setattr__(found, "hint", path)
