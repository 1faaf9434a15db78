"""How close an apply comes to the shortest time in which it could be done: ``python benchmarks/makespan.py``.

The executor, its threads, the state and the plan are the real ones; only the cloud's time is not: it passes on a
timeline (`timeline.Timeline`), so that hours take seconds and each run goes the same way. Nothing can be faster than
the longest chain of steps, each with its call and its start, or than all calls together shared among ``width``: the
larger of the two is the bound. Waiting until something is ready takes none of the ``width``, so it doesn't count there.
"""

from __future__ import annotations

import collections
import contextlib
import heapq
import random
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final
from unittest import mock

import attrs
from report import table
from slow import SlowCloud, Takes
from timeline import Timeline

import orchestra as oc
from orchestra import graph
from orchestra.contracts import Cloud
from orchestra.engine.office import Office
from orchestra.engine.schedule import Schedule
from orchestra.events import Listener
from orchestra.planning.steps import StepId

WIDTHS: Final = (1, 4, 10, 16, 64)
THEIRS: Final = 10
"""How many resources Terraform works on at once unless it is told otherwise."""
SEEDS: Final = (1,)


def _server(uses: Sequence[oc.Resource]) -> oc.Resource:
    return oc.Server(image="debian-12", size="small", subnet="subnet-1", depends_on=uses)


MAKES: Final[tuple[Callable[[Sequence[oc.Resource]], oc.Resource], ...]] = (
    lambda uses: oc.Bucket(depends_on=uses),
    lambda uses: oc.Network(cidr="10.0.0.0/16", depends_on=uses),
    lambda uses: oc.Firewall(network="net-1", depends_on=uses),
    lambda uses: oc.Volume(size_gib=8, zone="zone-a", depends_on=uses),
    lambda uses: oc.FloatingIp(depends_on=uses),
    lambda uses: oc.Zone(domain="shop.example", depends_on=uses),
    lambda uses: oc.LoadBalancer(port=80, members=(), subnets=["subnet-1"], depends_on=uses),
    _server,
    _server,
)
"""One of each kind that needs nothing but what it is told to; servers twice as often."""


class Graph(oc.Stack):
    """``uses[i]`` are the numbers of those, lower ones, that resource ``i`` waits for; kinds are drawn by ``seed``."""

    seed: int
    uses: tuple[tuple[int, ...], ...]

    def build(self) -> None:
        chance = random.Random(self.seed)
        made: list[oc.Resource] = []
        for uses in self.uses:
            made.append(chance.choice(MAKES)([made[number] for number in uses]))
        self.made = made


def chains(chance: random.Random) -> tuple[tuple[int, ...], ...]:
    """Twenty chains of two to ten."""
    found: list[tuple[int, ...]] = []
    for _ in range(20):
        length = chance.randint(2, 10)
        found += [()] + [(len(found) + step,) for step in range(length - 1)]
    return tuple(found)


def fans(chance: random.Random) -> tuple[tuple[int, ...], ...]:
    """Eight that five to twenty others wait for, and one that waits for all of these."""
    found: list[tuple[int, ...]] = []
    for _ in range(8):
        first, count = len(found), chance.randint(5, 20)
        found += [(), *[(first,)] * count, tuple(range(first + 1, first + 1 + count))]
    return tuple(found)


def web(chance: random.Random) -> tuple[tuple[int, ...], ...]:
    """A hundred and twenty, each waiting for up to three of the thirty before it."""
    return tuple(
        tuple(sorted({chance.randrange(max(0, one - 30), one) for _ in range(chance.randint(0, 3))})) if one else ()
        for one in range(120)
    )


def layers(chance: random.Random) -> tuple[tuple[int, ...], ...]:
    """Six layers of twenty, each waiting for four of the layer below."""
    return tuple(
        tuple(sorted(chance.sample(range((one // 20 - 1) * 20, one // 20 * 20), 4))) if one >= 20 else ()
        for one in range(120)
    )


class Shop(oc.Stack):
    """As ``examples/webshop.py``: a database, web servers behind a balancer, names, and disks besides."""

    servers: int

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.firewall = oc.Firewall(network=self.network)
        place = {"image": "debian-12", "size": "small", "subnet": self.subnet, "firewalls": [self.firewall]}
        self.database = oc.Server(**place)
        self.disk = oc.Volume(size_gib=8, zone=self.database.zone)
        self.attached = oc.VolumeAttachment(volume=self.disk, server=self.database)
        self.web = [oc.Server(**place, user_data=f"DB={self.database.private_ip}") for _ in range(self.servers)]
        self.balancer = oc.LoadBalancer(port=80, members=self.web, subnets=[self.subnet], firewalls=[self.firewall])
        self.zone = oc.Zone(domain="shop.example")
        self.www = oc.Record(zone=self.zone, name="www", type="CNAME", values=[self.balancer.address])
        self.uploads = oc.Bucket()


class Regions(oc.Stack):
    """Shops of several sizes beside each other."""

    sizes: tuple[int, ...]

    def build(self) -> None:
        self.shops = [Shop(servers=size) for size in self.sizes]


STACKS: Final[Mapping[str, Callable[[int], oc.Stack]]] = MappingProxyType(
    {
        "chains": lambda seed: Graph(seed=seed, uses=chains(random.Random(seed))),
        "fans": lambda seed: Graph(seed=seed, uses=fans(random.Random(seed))),
        "web": lambda seed: Graph(seed=seed, uses=web(random.Random(seed))),
        "layers": lambda seed: Graph(seed=seed, uses=layers(random.Random(seed))),
        "shop": lambda seed: Shop(servers=20 * seed),
        "shops": lambda seed: Regions(sizes=(2, 4, 8, 16, 3, 20)[: 3 * seed]),
    }
)


class Timed(oc.Deployment):
    """A deployment whose runs go on a timeline."""

    def __init__(self, stack: oc.Stack, cloud: Cloud, timeline: Timeline, listeners: Sequence[Listener] = ()) -> None:
        super().__init__(
            stack,
            name="bench",
            cloud=cloud,
            state="sqlite://:memory:",
            listeners=listeners,
            progress=False,
            clock=timeline,
        )
        self._timeline = timeline

    def _office(self) -> Office:
        return attrs.evolve(super()._office(), pool=self._timeline.pool)


class BreadthFirst(Schedule):
    """Steps in the order in which they become ready."""

    def _is_ready(self, one: StepId) -> None:
        self._by_rank.append(self._by_rank[self._rank[one]])
        heapq.heappush(self._ready[self._lane[one]], len(self._by_rank) - 1)


@attrs.frozen(kw_only=True)
class Work:
    """What was to be made: what each resource uses, and what it takes."""

    needs: Mapping[str, Sequence[str]]
    takes: Mapping[str, Takes]

    def bound(self, width: int) -> float:
        """Seconds that making it takes at least with ``width`` calls at once."""
        return max(*self._tails.values(), sum(one.call for one in self.takes.values()) / width)

    def sharper(self, width: int) -> float:
        """As `bound`, with what must come before the calls that are shared among ``width``, and what after them."""
        heads, tails = self._heads, self._tails
        afters = {one: tails[one] - self.takes[one].call for one in tails}
        best = self.bound(width)
        for head in set(heads.values()):
            calls = 0.0
            late = sorted((one for one in heads if heads[one] >= head), key=afters.__getitem__, reverse=True)
            for one in late:
                calls += self.takes[one].call
                best = max(best, head + calls / width + afters[one])
        return best

    @property
    def _tails(self) -> dict[str, float]:
        """Seconds from the beginning of each until all is made that hangs on it."""
        return graph.longest_paths(self.needs, lambda one: sum(attrs.astuple(self.takes[one])))

    @property
    def _heads(self) -> dict[str, float]:
        """Seconds before each can begin."""
        found: dict[str, float] = {}
        for one in graph.in_turn(self.needs, key=str):
            found[one] = max((found[use] + sum(attrs.astuple(self.takes[use])) for use in self.needs[one]), default=0.0)
        return found

    def theirs(self, width: int) -> float:
        """Seconds that it takes Terraform: first come, first served, each in its place until it is ready.

        That is how its walk of the graph goes by its source. It is told at once what is ready.
        """
        users = graph.dependents(self.needs)
        left = {one: len(set(needs)) for one, needs in self.needs.items()}
        due = collections.deque(one for one, count in left.items() if not count)
        working: list[tuple[float, str]] = []
        now = 0.0
        while due or working:
            while due and len(working) < width:
                takes = self.takes[due[0]]
                heapq.heappush(working, (now + takes.call + takes.start, due.popleft()))
            now, done = heapq.heappop(working)
            for user in users[done]:
                left[user] -= 1
                if not left[user]:
                    due.append(user)
        return now


@attrs.frozen(kw_only=True)
class Ratios:
    """How many times the bound it took with one stack and one width; ``looks`` is how often readiness was asked for."""

    stack: str
    width: int
    at_once: bool
    first: float
    learnt: float
    sharper: float
    """Once learnt, as often as the sharper bound."""
    breadth_first: float
    theirs: float
    first_looks: int
    learnt_looks: int


class Bench:
    """One stack on one slow cloud, made again and again."""

    def __init__(self, stack: oc.Stack, width: int, *, at_once: bool) -> None:
        self._timeline = Timeline()
        self._cloud = SlowCloud(self._timeline, at_once=at_once)
        self._width = width
        self._deployment = Timed(stack, self._cloud, self._timeline)

    def made(self, season: int) -> tuple[float, Work, int]:
        """Make all of it and delete it again: the seconds that making took, what there was to do, and the looks."""
        self._cloud.season = season
        before = self._cloud.looks
        seconds = self._deployment.apply(width=self._width).seconds
        looks = self._cloud.looks - before
        records = self._deployment.resources
        takes = {address: self._cloud.takes(record.kind, address) for address, record in records.items()}
        work = Work(needs=self._deployment.graph(), takes=takes)
        self._deployment.destroy()
        return seconds, work, looks

    def ratios(self, name: str) -> Ratios:
        """A first run, one to learn more, and the same once more in two orders."""
        with contextlib.closing(self._deployment):
            first, work, first_looks = self.made(1)
            first_bound = work.bound(self._width)
            self.made(2)
            learnt, work, learnt_looks = self.made(3)
            with mock.patch("orchestra.engine.executor.Schedule", BreadthFirst):
                plain, _, _ = self.made(3)
        bound = work.bound(self._width)
        return Ratios(
            stack=name,
            width=self._width,
            at_once=self._cloud.at_once,
            first=first / first_bound,
            learnt=learnt / bound,
            sharper=learnt / work.sharper(self._width),
            breadth_first=plain / bound,
            theirs=work.theirs(THEIRS) / work.bound(THEIRS),
            first_looks=first_looks,
            learnt_looks=learnt_looks,
        )


def measured(widths: Sequence[int] = WIDTHS, seeds: Sequence[int] = SEEDS) -> Iterator[Ratios]:
    """The ratios of each stack at each width, on a cloud that answers calls at once and on one that does when ready."""
    for at_once in (True, False):
        for name, make in STACKS.items():
            for seed in seeds:
                for width in widths:
                    yield Bench(make(seed), width, at_once=at_once).ratios(f"{name} {seed}")


def tables(found: Sequence[Ratios]) -> str:
    """What was found: the median and the worst, by width and by whether calls are answered at once."""
    rows = []
    for at_once, answered in ((True, "at once"), (False, "when ready")):
        these = [one for one in found if one.at_once == at_once]
        for width in sorted({one.width for one in these}):
            rows.append((f"{answered}, width {width}", *_row([one for one in these if one.width == width])))
    rows.append(("all", *_row(found)))
    headings = ("calls are answered", "first run", "once learnt", "to the sharper bound", "first come, first served")
    looks = sum(one.learnt_looks for one in found) / sum(one.first_looks for one in found)
    theirs = spread([one.theirs for one in found])
    return table(headings, rows) + (
        f"\n\nOnce learnt, it is asked {looks:.2f} times as often whether something is ready. In Terraform's order, "
        f"with its {THEIRS} places, each taken until the resource is ready: {theirs}."
    )


def _row(found: Sequence[Ratios]) -> Iterator[str]:
    for name in ("first", "learnt", "sharper", "breadth_first"):
        yield spread([getattr(one, name) for one in found])


def spread(ratios: Sequence[float]) -> str:
    """The median and the worst."""
    return f"{statistics.median(ratios):.3f}, worst {max(ratios):.3f}"


def main() -> None:
    """Print every ratio, and then the table."""
    found = []
    for one in measured():
        print(one, file=sys.stderr, flush=True)
        found.append(one)
    print(tables(found))


if __name__ == "__main__":
    main()
