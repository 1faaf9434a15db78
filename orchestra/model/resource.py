"""The base of every kind of resource."""

from __future__ import annotations

import sys
import typing
from collections.abc import Sequence
from typing import Any, ClassVar, Final, TypeAlias

import attrs

from orchestra.errors import DefinitionError
from orchestra.model import building, readiness
from orchestra.model.fields import METADATA, Check, InputSpec, KindSpec, OutputField, input_field, output_field
from orchestra.model.lifecycle import Lifecycle
from orchestra.model.misuse import line_typed
from orchestra.model.readiness import ReadyCheck
from orchestra.model.refs import Ref
from orchestra.model.secrets import Secret
from orchestra.model.typecheck import Accepts, compile_check, describe, hints_of, not_needed, shown
from orchestra.model.values import ATOMS

if sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:  # pragma: no cover
    from typing_extensions import dataclass_transform


COMMON = ("depends_on", "lifecycle", "cloud", "ready")

_Compiled: TypeAlias = "tuple[str, Accepts, str, tuple[Check, ...], object]"
"""Of one input: its name, whether a value has the type needed, that type for messages, further checks, its default.

The default is `attrs.NOTHING` where there is none that is known to be right.
"""

UNRULED: Final = Lifecycle()
"""What every resource has that is given no rules of its own."""


@typing.runtime_checkable
class NamedCloud(typing.Protocol):
    """A cloud, as far as a declaration knows it: by its name. What clouds can do is in `orchestra.contracts`."""

    @property
    def name(self) -> str:
        """Stands in the state for the cloud."""
        ...


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(input_field,))
class _Declared:
    """Makes an attrs class of every subclass, in place."""

    kind: ClassVar[KindSpec]

    def __init_subclass__(
        cls,
        *,
        kind: str = "",
        create_before_delete: bool = True,
        unique_by: Sequence[str] = (),
        create_seconds: float = 1.0,
        create_timeout: float = 600.0,
        update_timeout: float = 600.0,
        delete_timeout: float = 600.0,
    ) -> None:
        super().__init_subclass__()
        attrs.define(cls, slots=False, kw_only=True, eq=False, repr=False, on_setattr=attrs.setters.frozen)
        if not kind:
            return
        if kind.count(".") != 1 or not all(part.isalnum() for part in kind.split(".")):
            raise DefinitionError(f"kind={kind!r}: 'service.Name' is needed, such as 'compute.Server'")
        specs = {
            field.name: attrs.evolve(field.metadata.get(METADATA, InputSpec()), name=field.name)
            for field in attrs.fields(typing.cast("type[Any]", cls))
            if field.name not in COMMON
        }
        cls.kind = KindSpec(
            name=kind,
            cls=typing.cast("type[Resource]", cls),
            inputs={name: spec for name, spec in specs.items() if not spec.refreshes},
            switches={name: spec for name, spec in specs.items() if spec.refreshes},
            outputs={
                name: item
                for base in reversed(cls.__mro__)
                for name, item in vars(base).items()
                if isinstance(item, OutputField)
            },
            create_before_delete=create_before_delete,
            unique_by=tuple(unique_by),
            create_seconds=create_seconds,
            create_timeout=create_timeout,
            update_timeout=update_timeout,
            delete_timeout=delete_timeout,
        )


class Resource(_Declared):
    """One declared thing in a cloud. Subclass it with ``kind="service.Name"`` to make a kind of your own.

    Class arguments: ``create_before_delete`` (default True): how a replacement is ordered unless the user says
    otherwise; ``unique_by``: inputs that, when given, fix a name which two things can't have at once, so that
    the old one goes first; ``create_seconds``: how long making one takes, until runs have taught it (1);
    ``create_timeout``, ``update_timeout`` and ``delete_timeout`` in seconds (600).
    """

    depends_on: Sequence[Resource] = input_field(default=())
    """Resources that must be ready before this one is made, where no reference says so already."""
    lifecycle: Lifecycle = input_field(default=UNRULED)
    """How it may be changed, replaced and deleted."""
    cloud: NamedCloud | None = input_field(default=None)
    """The cloud it lives on. None: the deployment's."""
    ready: Sequence[ReadyCheck] = input_field(default=())
    """What it must answer to before it counts as ready, beside its cloud saying so: see `TcpOpen` and `HttpOk`."""

    id = output_field(str, doc="The cloud's own id.")

    hint: ClassVar[str | None] = None
    """The attribute path where it was assigned, as far as it is known while declaring."""

    def __attrs_post_init__(self) -> None:
        now = building.current()
        if now is not None:
            now.resources.append(self)
        faults = self._faults()
        if faults:
            raise DefinitionError(
                f"{type(self).__name__} is declared wrongly, in: {line_typed()}"
                + "".join(f"\n  - {fault}" for fault in faults),
                faults=faults,
                remedy="correct the inputs named above",
            )

    def _faults(self) -> list[str]:
        """What is wrong with the inputs, each a sentence that starts with the input's name."""
        values = vars(self)
        found: list[str] = []
        for name, accepts, wanted, checks, default in self._compiled_checks():
            value = values[name]
            if value is default:
                continue  # most are
            if not accepts(value):
                found.append(not_needed(name, value, wanted))
            elif checks:
                found += [f"{shown(name, value)}: {fault}" for fault in _told_by(checks, value)]
        if self.ready and isinstance(self.ready, Sequence):
            found += readiness.faults(self.ready, type(self).__name__, self.kind.outputs)
        return found

    @classmethod
    def _compiled_checks(cls) -> tuple[_Compiled, ...]:
        """Compiled at the first use, since annotations may name classes that come later in the file."""
        found: tuple[_Compiled, ...] | None = cls.__dict__.get("_compiled")
        if found is None:
            if not hasattr(cls, "kind"):
                raise DefinitionError(f"{cls.__name__} is not a kind; give its class kind='service.Name'")
            found = _checks(cls)
            type.__setattr__(cls, "_compiled", found)
        return found

    @property
    def label(self) -> str:
        """What to call it in messages: its attribute path once assigned, else its kind."""
        return self.hint or type(self).__name__

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.hint or 'not assigned yet'}>"


def _told_by(checks: Sequence[Check], value: object) -> list[str]:
    """What ``checks`` say is wrong with ``value``; nothing of a reference or a secret, whose value isn't known here."""
    if isinstance(value, (Ref, Secret)) or (isinstance(value, str) and building.holds_token(value)):
        return []
    return [fault for check in checks if (fault := check(value))]


def known_kinds() -> dict[str, KindSpec]:
    """Every kind that is defined in this program, by its name; of several with one name the last."""
    found: dict[str, KindSpec] = {}
    todo: list[type[Resource]] = [Resource]
    while todo:
        cls = todo.pop()
        todo += reversed(cls.__subclasses__())
        if "kind" in vars(cls):
            found[cls.kind.name] = cls.kind
    return found


def _checks(cls: type[Resource]) -> tuple[_Compiled, ...]:
    """Name, type check, wanted type and further checks of each input, compiled once for the kind."""
    hints = hints_of(cls)
    found: list[_Compiled] = []
    for field in attrs.fields(typing.cast("type[Any]", cls)):
        if field.name in hints:
            hint = hints[field.name]
            accepts = compile_check(hint)
            checks = field.metadata.get(METADATA, InputSpec()).checks if field.name not in COMMON else ()
            default = field.default
            checkable = not checks or (type(default) in ATOMS and not building.holds_token(str(default)))
            right = checkable and accepts(default) and not any(check(default) for check in checks)
            found.append((field.name, accepts, describe(hint), checks, default if right else attrs.NOTHING))
    return tuple(found)
