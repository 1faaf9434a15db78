"""The clouds on which processes are killed: each can be put back to what it was in a moment."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

import attrs

import orchestra as oc
from orchestra.clouds.families.aws import AwsCloud
from orchestra.clouds.families.aws.balancing import Balancers
from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.contracts import Cloud
from tests.crash.boundaries import DeadlyCalls, Executioner, SharedClock, strike_requests
from tests.crash.verdict import World, simulated_world
from tests.moto_server import MotoServer

WEATHERS: Final[Mapping[str, oc.clouds.Behaviour]] = MappingProxyType(
    {
        "prompt": oc.clouds.Behaviour(),
        "slow": oc.clouds.Behaviour(boot_seconds=1.0, shutdown_seconds=1.0),
        "lagging": oc.clouds.Behaviour(boot_seconds=1.0, consistency_seconds=2.0, look_up_seconds=1.0),
    }
)
"""How the simulated cloud behaves."""


class Place(Protocol):
    """A cloud for each of several folders. State and whatever else belongs to a case is in its folder as well."""

    weathers: Sequence[str]
    """Ways in which the cloud may behave."""

    zones: tuple[str, ...]
    """The zones that a balancer needs there."""

    def found(self, folder: Path) -> None:
        """Make the folder, and a cloud for it with nothing in it."""

    def copy(self, template: Path, folder: Path) -> None:
        """Make the folder, and all in it and its cloud, what ``template`` is now."""

    def cloud(self, folder: Path, weather: str, executioner: Executioner | None = None) -> Cloud:
        """The cloud of the folder, for a process of its own; ``executioner`` comes to each call that changes it."""

    def settle(self, folder: Path) -> None:
        """Wait until the cloud has done what it was asked by processes that are gone."""

    def world(self, folder: Path) -> World:
        """What there really is in the cloud of the folder, for a process of its own."""


class SimulatedPlace:
    """The simulated cloud: it is a file in the folder."""

    weathers = tuple(WEATHERS)
    zones: tuple[str, ...] = ()

    def __init__(self, clock: SharedClock) -> None:
        self._clock = clock

    def found(self, folder: Path) -> None:
        folder.mkdir()

    def copy(self, template: Path, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)

    def cloud(self, folder: Path, weather: str, executioner: Executioner | None = None) -> SimulatedCloud:
        behaviour = WEATHERS[weather]
        if executioner is not None:
            behaviour = attrs.evolve(behaviour, faults=DeadlyCalls(executioner))
        return oc.clouds.simulated(path=folder / "cloud.db", behaviour=behaviour, clock=self._clock)

    def settle(self, folder: Path) -> None:
        """Whoever makes a call does what there is to do."""

    def world(self, folder: Path) -> World:
        return simulated_world(self.cloud(folder, "prompt"))


class AwsPlace:
    """AWS's API over HTTP: the server is a branch of that of the template."""

    weathers = ("prompt",)

    def __init__(self, root: MotoServer, balancers: Balancers = "elb") -> None:
        self._root = root
        self._balancers: Balancers = balancers
        self.zones: tuple[str, ...] = ("eu-west-1a", "eu-west-1b") if balancers == "elbv2" else ()
        self._servers: dict[Path, MotoServer] = {}
        _aws(root, balancers).verify()  # what moto loads and makes at the first call, no branch has to

    def found(self, folder: Path) -> None:
        folder.mkdir()
        self._servers[folder] = self._root.branch()

    def copy(self, template: Path, folder: Path) -> None:
        if folder in self._servers:
            self._servers.pop(folder).end()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        self.settle(template)
        self._servers[folder] = self._servers[template].branch()

    def cloud(self, folder: Path, weather: str, executioner: Executioner | None = None) -> Cloud:
        del weather
        if executioner is not None:
            strike_requests(executioner)
        return _aws(self._servers[folder], self._balancers)

    def settle(self, folder: Path) -> None:
        self._servers[folder].wait_until_quiet()

    def world(self, folder: Path) -> World:
        things = self._servers[folder].inventory()
        odd = [one for one in things if one.oddity]
        return World(
            things={(one.kind, one.external_id): one.address for one in things},
            counts=Counter(one.kind for one in things),
            oddities=tuple(f"{one.address or one.kind}: {one.external_id} is {one.oddity}" for one in odd),
        )


def _aws(server: MotoServer, balancers: Balancers) -> AwsCloud:
    return oc.clouds.aws(
        region="eu-west-1",
        endpoint=server.endpoint,
        access_key=server.access_key,
        secret_key=server.secret_key,
        balancers=balancers,
        consistency_seconds=0.0,
    )
