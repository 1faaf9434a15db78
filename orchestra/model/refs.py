"""References: values that only the cloud can tell, usable before they are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NoReturn, SupportsIndex, TypeVar, overload

from orchestra.model import building
from orchestra.model.misuse import refuse

if TYPE_CHECKING:
    from orchestra.model.resource import Resource

T = TypeVar("T")
U = TypeVar("U")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T_co = TypeVar("T_co", covariant=True)


class Ref(Generic[T_co]):
    """A value that will be known once the resource that it comes from exists.

    Use it as an input of another resource, inside an f-string, or compute from it with `map`. It makes the
    edge of the dependency graph. It has no value while the stack is declared: testing, comparing, indexing or
    looping over it raises `MisuseError`, which shows the line that was meant.
    """

    __slots__ = ()

    def map(self, function: Callable[[T_co], U]) -> Ref[U]:
        """A reference to ``function`` of the value; ``function`` is called once the value is known."""
        return MapRef(self, function)

    @overload
    @staticmethod
    def all(first: Ref[A], second: Ref[B], /) -> Ref[tuple[A, B]]: ...
    @overload
    @staticmethod
    def all(first: Ref[A], second: Ref[B], third: Ref[C], /) -> Ref[tuple[A, B, C]]: ...
    @overload
    @staticmethod
    def all(refs: Iterable[Ref[A]], /) -> Ref[tuple[A, ...]]: ...
    @staticmethod
    def all(*refs: Any) -> Ref[Any]:
        """One reference to the tuple of the values of several: ``Ref.all(a, b)`` or ``Ref.all(list_of_refs)``."""
        if len(refs) == 1 and not isinstance(refs[0], Ref):
            return AllRef(tuple(refs[0]))
        return AllRef(refs)

    def _label(self) -> str:
        raise NotImplementedError

    def _address(self) -> str | None:
        return None

    def _token(self, conversion: str, spec: str) -> str:
        now = building.current()
        if now is None:
            return f"<<orchestra:unbound:{self._label()}>>"
        return now.token(self, self._label(), conversion, spec)

    def __format__(self, spec: str) -> str:
        return str(self._token("", spec))  # a plain str, as what takes texts apart expects

    def __str__(self) -> str:
        return self._token("", "")

    def __repr__(self) -> str:
        return self._token("r", "")

    def _refuse(self, what: str, meant: str) -> NoReturn:
        refuse(f"the reference {self._label()}", what, meant.replace("{0}", self._label(), 1), self._address())

    def __bool__(self) -> bool:
        self._refuse("tested for truth", "{0}.map(lambda value: … if value else …)")

    def __iter__(self) -> Iterator[Any]:
        self._refuse("looped over", "{0}.map(lambda values: [… for value in values])")

    def __len__(self) -> int:
        self._refuse("measured", "{0}.map(len)")

    def __contains__(self, item: object) -> bool:
        self._refuse("searched", "{0}.map(lambda value: … in value)")

    def __getitem__(self, key: Any) -> Any:
        self._refuse("indexed", f"{{0}}.map(lambda value: value[{_as_typed(key)}])")

    def __eq__(self, other: object) -> bool:
        self._refuse("compared", "{0}.map(lambda value: value == …)")

    def __ne__(self, other: object) -> bool:
        self._refuse("compared", "{0}.map(lambda value: value != …)")

    def _no_order(self, other: object) -> bool:
        self._refuse("compared", "{0}.map(lambda value: value < …)")

    __lt__ = __le__ = __gt__ = __ge__ = _no_order

    def _no_arithmetic(self, other: object = None) -> Any:
        self._refuse("computed with", "{0}.map(lambda value: value + …), or an f-string")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _no_arithmetic
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _no_arithmetic
    __pow__ = __rpow__ = __and__ = __rand__ = __or__ = __ror__ = __neg__ = __pos__ = __abs__ = _no_arithmetic

    def __int__(self) -> int:
        self._refuse("made an int", "{0}.map(int)")

    def __float__(self) -> float:
        self._refuse("made a float", "{0}.map(float)")

    def __index__(self) -> int:
        self._refuse("used as an index", "{0}.map(int)")

    def __round__(self, digits: SupportsIndex | None = None) -> int:
        self._refuse("rounded", "{0}.map(round)")

    def __call__(self, *args: object, **named: object) -> Any:
        """Refuses: a reference is no function."""
        self._refuse("called", "{0}, without the parentheses")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self._refuse(f"asked for .{name}", f"{{0}}.map(lambda value: value.{name})")

    def __hash__(self) -> int:
        return id(self)


def _as_typed(key: object) -> str:
    """What stood between the brackets."""
    if not isinstance(key, slice):
        return repr(key)
    bounds = [key.start, key.stop] if key.step is None else [key.start, key.stop, key.step]
    return ":".join("" if bound is None else repr(bound) for bound in bounds)


class OutputRef(Ref[T_co]):
    """A reference to one output of one resource."""

    __slots__ = ("output", "resource")

    def __init__(self, resource: Resource, output: str) -> None:
        self.resource = resource
        self.output = output

    def _label(self) -> str:
        return f"{self.resource.label}.{self.output}"

    def _address(self) -> str | None:
        return self.resource.hint


class MapRef(Ref[T_co]):
    """A reference to a function of another reference."""

    __slots__ = ("function", "source")

    def __init__(self, source: Ref[Any], function: Callable[[Any], T_co]) -> None:
        if not callable(function):
            raise TypeError(f"map() takes a function of the value, not {function!r}")
        self.source = source
        self.function = function

    def _label(self) -> str:
        return f"{self.source._label()}.map"

    def _address(self) -> str | None:
        return self.source._address()


class AllRef(Ref[T_co]):
    """A reference to the tuple of several values."""

    __slots__ = ("sources",)

    def __init__(self, sources: tuple[Ref[Any], ...]) -> None:
        for source in sources:
            if not isinstance(source, Ref):
                raise TypeError(f"Ref.all() takes references, not {source!r}")
        self.sources = sources

    def _label(self) -> str:
        return f"Ref.all of {len(self.sources)}"


class Output(Ref[T_co]):
    """A named result of a stack, told after apply: ``self.url = oc.Output(f"https://{server.public_ip}")``.

    Read it with ``deployment.value(stack.url)``. ``doc`` says what it is for. An output that holds a secret
    is never printed.
    """

    __slots__ = ("doc", "expression", "hint")

    @overload
    def __init__(self: Output[U], value: Ref[U], *, doc: str = ...) -> None: ...
    @overload
    def __init__(self: Output[U], value: U, *, doc: str = ...) -> None: ...
    def __init__(self, value: object, *, doc: str = "") -> None:
        self.expression = value
        self.doc = doc
        self.hint: str | None = None

    def _label(self) -> str:
        return self.hint or "Output"

    def _address(self) -> str | None:
        return self.hint
