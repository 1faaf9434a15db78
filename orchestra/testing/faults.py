"""What goes wrong with the calls of the simulated cloud: by chance, or by a script that names each call.

::

    model = FaultModel(seed=7, lost=0.1, throttled=0.1)
    cloud = clouds.simulated(":memory:", behaviour=Behaviour(faults=model))
    ...
    print(repr(model))      # FaultModel(seed=7, throttled=0.1, lost=0.1): the same faults again
    print(model.script())   # Script((Fault(Trouble.LOST, action='create_node', nth=2),)): those that happened

Both count the calls of each action as they arrive, and what goes wrong depends on that count alone. With one thread
(``Deployment(width=1)``) a run is therefore the same each time; with several, the same calls of an action are hit,
whichever resource they are for.

Other trouble is not of single calls but of how a cloud is, and has its place elsewhere:

=============================================  ==========================================================
what                                           where
=============================================  ==========================================================
reads and lists that tell what was before      ``Behaviour(consistency_seconds=…, look_up_seconds=…)``
a token bucket that throttles                  ``Behaviour(requests_per_second=…)``
quotas                                         ``Behaviour(quotas=…)``
long lists in small pages                      ``Behaviour(page_size=…)``
things that take time to start and to stop     ``Behaviour(boot_seconds=…, shutdown_seconds=…)``
a clock that is wrong                          ``clouds.simulated(clock=SkewedClock(…))``
=============================================  ==========================================================

`orchestra.testing.presets` has behaviours with such settings.
"""

from __future__ import annotations

import abc
import enum
import random
from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

import attrs

from orchestra.clouds.families.simulated.behaviour import Call, Fate
from orchestra.clouds.families.simulated.refusals import refusal
from orchestra.errors import DefinitionError
from orchestra.testing.latency import Latency
from orchestra.testing.tape import Tape

READ_PREFIXES: Final = ("list_", "ex_list_", "get_", "ex_get_", "download_", "balancer_list_")
"""How the names of calls start that change nothing. A request for one of these is never delivered twice."""

STUCK_SECONDS: Final = 86_400.0
"""How long something stays pending that is stuck, unless it is said otherwise: a day."""


class Trouble(enum.Enum):
    """What can go wrong with a call, and what the engine is told of it."""

    UNSENT = "unsent"
    """No connection: certain not to have happened. `TransientError` with ``sent=False``."""
    ERROR = "error"
    """The cloud answers with an internal error and has done nothing. `TransientError`."""
    THROTTLED = "throttled"
    """The cloud answers that it is too much. `ThrottledError`."""
    IN_PROGRESS = "in_progress"
    """The cloud answers that it is still at something, and has done nothing new. `InProgressError`."""
    UNAVAILABLE = "unavailable"
    """The service is out: meant for spans of calls. `TransientError`."""
    DENIED = "denied"
    """The cloud answers that the credentials aren't permitted this. `CredentialsError`, not retryable."""
    LOST = "lost"
    """The call happened, and its answer does not arrive. `TransientError` with ``sent=True``."""
    REPEATED = "repeated"
    """The request arrives twice, the second answer reaches the caller. Only of calls that change something.

    Nothing else goes wrong with the second delivery.
    """
    FAILED = "failed"
    """Accepted, and failed afterwards: `Status.FAILED`. Only of calls that start something that takes time."""
    STUCK = "stuck"
    """Accepted, and pending for long. Only of calls that start something that takes time."""
    SHORT = "short"
    """A list, or a page of it, ends early and looks complete. Only of lists that are not empty."""

    def __repr__(self) -> str:
        return f"Trouble.{self.name}"


_BEFORE: Final = MappingProxyType[Trouble, Callable[[], Exception]](
    {
        Trouble.UNSENT: lambda: ConnectionRefusedError("the connection was refused, on purpose"),
        Trouble.ERROR: lambda: refusal("InternalError", "an internal error occurred, on purpose", status=500),
        Trouble.THROTTLED: lambda: refusal("RequestLimitExceeded", "too many requests, on purpose", status=503),
        Trouble.IN_PROGRESS: lambda: refusal("AnotherOperationInProgress", "not done yet, on purpose", status=409),
        Trouble.UNAVAILABLE: lambda: refusal("ServiceUnavailable", "the service is out, on purpose", status=503),
        Trouble.DENIED: lambda: refusal("UnauthorizedOperation", "this is not permitted, on purpose", status=403),
    }
)
"""What is raised before the call happens."""


@attrs.frozen(repr=False)
class Fault:
    """One trouble, and which calls it strikes.

    ``action`` is the driver's method, such as ``create_node``; ``service`` is ``network``, ``compute``,
    ``balancing``, ``dns``, ``storage`` or ``containers``; '' is any. Of the calls that fit, the ``nth`` (from 1) is
    struck, and with ``calls`` that many in a row, with None all from there on. ``seconds`` is how long what is
    `Trouble.STUCK` stays pending, ``keep`` how many things a list tells that is `Trouble.SHORT`.

    Raises `DefinitionError` for numbers that make no sense.
    """

    trouble: Trouble
    action: str = attrs.field(default="", kw_only=True)
    service: str = attrs.field(default="", kw_only=True)
    nth: int = attrs.field(default=1, kw_only=True)
    calls: int | None = attrs.field(default=1, kw_only=True)
    seconds: float = attrs.field(default=STUCK_SECONDS, kw_only=True)
    keep: int = attrs.field(default=0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.nth < 1 or (self.calls is not None and self.calls < 1) or self.seconds < 0 or self.keep < 0:
            raise DefinitionError(f"{self!r}: nth and calls from 1, seconds and keep from 0 are needed")

    def strikes(self, call: Call, nth: int) -> bool:
        """Whether it strikes ``call``, the ``nth`` of those that fit."""
        fits = self.action in ("", call.action) and self.service in ("", call.service)
        return fits and self.nth <= nth and (self.calls is None or nth < self.nth + self.calls)

    def __repr__(self) -> str:
        return _python(self, positional=("trouble",))


R = TypeVar("R", bound="_Recorded")


def _faults(given: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(given)


def _names(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


@attrs.frozen(kw_only=True)
class _Recorded(abc.ABC):
    """What faults by chance and faults by script have in common: the hooks of the simulated cloud, and the log."""

    latency: Latency | None = None
    """How long calls take. None: as `Behaviour.latency` says."""
    _tape: Tape[Fault] = attrs.field(init=False, factory=Tape, repr=False, eq=False)

    @abc.abstractmethod
    def _decide(self, call: Call, count: Callable[[str, str], int]) -> Fault | None:
        """What goes wrong with ``call``; ``count(service, action)`` tells the how manieth it is of those."""

    # -- the seam: see `orchestra.clouds.families.simulated.Distortions`

    def before(self, call: Call) -> None:
        """Called by the simulated cloud when a call arrives: raises what goes wrong before it happens."""
        fault = self._tape.arrived(call.service, call.action, lambda count: self._decide(call, count))
        if fault is not None and fault.trouble in _BEFORE:
            self._struck(call.action, fault)
            raise _BEFORE[fault.trouble]()

    def after(self, call: Call) -> None:
        """Called by the simulated cloud when a call is done: raises if its answer is lost."""
        fault = self._tape.current
        if fault is not None and fault.trouble is Trouble.LOST:
            self._struck(call.action, fault)
            raise TimeoutError("no answer arrived, on purpose")

    def delay(self, call: Call) -> float:
        """Called by the simulated cloud: how many seconds the call takes."""
        if self.latency is None or self._tape.lifted:
            return 0.0
        return self.latency.draw(random.Random(f"latency {call.action} {self._tape.count('', call.action)}"))

    def fate(self, call: Call) -> Fate:
        """Called by the simulated cloud: what becomes of what the call starts."""
        fault = self._tape.current
        if fault is None or fault.trouble not in (Trouble.FAILED, Trouble.STUCK):
            return Fate()
        self._struck(call.action, fault)
        return Fate(failed=True) if fault.trouble is Trouble.FAILED else Fate(late=fault.seconds)

    def shown(self, call: Call, number: int) -> int:
        """Called by the simulated cloud: how many things of a page are told."""
        fault = self._tape.current
        if fault is None or fault.trouble is not Trouble.SHORT or fault.keep >= number:
            return number
        self._struck(call.action, fault)
        return fault.keep

    def repeats(self, action: str) -> bool:
        """Called by the simulated cloud: whether the call that was just answered arrives once more."""
        fault = self._tape.current
        if fault is None or fault.trouble is not Trouble.REPEATED or action.startswith(READ_PREFIXES):
            return False
        if not self._tape.count("", action):  # the last call was another one: a list that nobody has begun to read
            return False
        self._struck(action, fault)
        self._tape.spare_next()  # the caller must not be told that what happened was refused
        return True

    def _struck(self, action: str, fault: Fault) -> None:
        nth = self._tape.count("", action)
        self._tape.strike(attrs.evolve(fault, action=action, service="", nth=nth, calls=1))

    # -- for whoever tests

    @property
    def log(self) -> tuple[Fault, ...]:
        """What went wrong so far, in order: each names the one call that it struck."""
        return self._tape.log

    def script(self) -> Script:
        """Exactly what went wrong so far, as a script that does it again."""
        return Script(self.log, latency=self.latency)

    def lift(self) -> None:
        """From now on nothing goes wrong, and nothing takes longer. What is stuck stays so until its time is over."""
        self._tape.lifted = True

    def resume(self) -> None:
        """Let things go wrong again after `lift`; calls in between count for nothing."""
        self._tape.lifted = False

    def fresh(self: R) -> R:
        """The same faults for another run: nothing counted, nothing in the log."""
        return attrs.evolve(self)


@attrs.frozen(repr=False)
class Script(_Recorded):
    """Faults that are named one by one; the first that strikes a call counts.

    Made by hand, or by `FaultModel.script` from what happened. Implements
    `orchestra.clouds.families.simulated.Distortions`: pass it as ``Behaviour(faults=…)``.
    """

    faults: tuple[Fault, ...] = attrs.field(default=(), converter=_faults, kw_only=False)

    def _decide(self, call: Call, count: Callable[[str, str], int]) -> Fault | None:
        return _first(self.faults, call, count)

    def __repr__(self) -> str:
        return _python(self, positional=("faults",))


@attrs.frozen(kw_only=True, repr=False)
class FaultModel(_Recorded):
    """Faults by chance: the same ``seed`` draws the same for the nth call of an action, in every process.

    ``unsent`` to ``short`` are the probabilities of each `Trouble` for one call, 0.0 unless given; a call has one at
    most. Trouble that can't be (a list of nothing cut short) doesn't happen. ``also`` are faults beside those by
    chance, such as an outage: ``Fault(Trouble.UNAVAILABLE, service="dns", nth=3, calls=20)``. ``services`` names those
    that chance strikes (all), ``spare`` is how many calls go well first (0), ``limit`` how many faults there are at
    most (no limit), ``stuck_seconds`` how long something stays pending that is stuck (a day), ``latency`` how long
    calls take.

    Implements `orchestra.clouds.families.simulated.Distortions`: pass it as ``Behaviour(faults=…)``. It is a value,
    but for what it remembers of one run: use `fresh` for another. Raises `DefinitionError` for probabilities that make
    no sense.
    """

    seed: int = 0
    unsent: float = 0.0
    error: float = 0.0
    throttled: float = 0.0
    in_progress: float = 0.0
    unavailable: float = 0.0
    denied: float = 0.0
    lost: float = 0.0
    repeated: float = 0.0
    failed: float = 0.0
    stuck: float = 0.0
    short: float = 0.0
    also: tuple[Fault, ...] = attrs.field(default=(), converter=_faults)
    services: tuple[str, ...] = attrs.field(default=(), converter=_names)
    spare: int = 0
    limit: int | None = None
    stuck_seconds: float = STUCK_SECONDS

    def __attrs_post_init__(self) -> None:
        rates = {trouble.value: self._rate(trouble) for trouble in Trouble}
        faults = [f"{name}={rate}: 0 to 1 is needed" for name, rate in rates.items() if not 0.0 <= rate <= 1.0]
        if not faults and sum(rates.values()) > 1.0 + 1e-9:
            faults = [f"the probabilities add up to {sum(rates.values()):g}: a call has one trouble at most"]
        if faults:
            raise DefinitionError("FaultModel: " + "; ".join(faults), faults=faults)

    def _rate(self, trouble: Trouble) -> float:
        rate: float = getattr(self, trouble.value)
        return rate

    def _decide(self, call: Call, count: Callable[[str, str], int]) -> Fault | None:
        if self.limit is not None and len(self.log) >= self.limit:
            return None
        return _first(self.also, call, count) or self._drawn(call, count)

    def _drawn(self, call: Call, count: Callable[[str, str], int]) -> Fault | None:
        if count("", "") <= self.spare or (self.services and call.service not in self.services):
            return None
        chance = random.Random(f"trouble {self.seed} {call.action} {count('', call.action)}")
        left = chance.random()
        for trouble in Trouble:
            left -= self._rate(trouble)
            if left < 0.0:
                keep = chance.choice((0, 0, 1, 2, 5)) if trouble is Trouble.SHORT else 0
                return Fault(trouble, seconds=self.stuck_seconds, keep=keep)
        return None

    def __repr__(self) -> str:
        return _python(self, positional=())


def _first(faults: Sequence[Fault], call: Call, count: Callable[[str, str], int]) -> Fault | None:
    return next((fault for fault in faults if fault.strikes(call, count(fault.service, fault.action))), None)


def _python(one: attrs.AttrsInstance, positional: Sequence[str]) -> str:
    """``one`` as Python that makes it again; what has its default is left out."""
    cls = type(one)
    parts = [repr(getattr(one, name)) for name in positional]
    parts += [
        f"{field.name}={getattr(one, field.name)!r}"
        for field in attrs.fields(cls)
        if field.init and field.name not in positional and getattr(one, field.name) != field.default
    ]
    return f"{cls.__name__}({', '.join(parts)})"
