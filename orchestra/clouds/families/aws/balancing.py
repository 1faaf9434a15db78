"""Load balancers of both of AWS's APIs for them. The cloud says by which of them new ones are made.

What is there already is read, changed and deleted by the API that it belongs to, whichever makes new ones: so changing
over replaces nothing and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final, Literal, TypeAlias

from orchestra.clouds.families.aws.classic import ClassicCalls
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.described import tolerating
from orchestra.clouds.families.aws.elbv2 import ElbV2Calls
from orchestra.clouds.provider import Calls
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Refusal, Update
from orchestra.errors import NotFoundError

Balancers: TypeAlias = Literal["elb", "elbv2"]
"""Which of AWS's APIs makes load balancers."""

_CLASSIC: Final = ClassicCalls()
_ELBV2: Final = ElbV2Calls()


class LoadBalancerCalls(Calls[Drivers]):
    """New ones are classic load balancers."""

    kind = "balancing.LoadBalancer"
    found_by = FoundBy.NAME
    found_key = ClassicCalls.found_key
    required = MappingProxyType({"subnets": "AWS puts load balancers into subnets of a network"})
    page = None
    makes: ClassVar[Calls[Drivers]] = _CLASSIC
    keeps: ClassVar[Calls[Drivers]] = _ELBV2
    """What was made before the cloud was changed over."""

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. A token is used again only by what began with it, which had the same cloud."""
        return self.makes.create(driver, inputs, owner)

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        for calls in (_CLASSIC, _ELBV2):
            if own := [one for one in ids if _serving(one) is calls]:
                yield from calls.read(driver, own)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        return _serving(external_id).look_up(driver, external_id)

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: whoever recovers may have been changed over since."""
        for calls in (self.makes, self.keeps):
            with tolerating(NotFoundError):
                if found := calls.search(driver, owner, inputs):
                    return found
        return None

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        return _serving(external_id).update(driver, external_id, update)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        _serving(external_id).delete(driver, external_id)

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`."""
        yield from _CLASSIC.everything(driver)
        yield from _ELBV2.everything(driver)


class ElbV2BalancerCalls(LoadBalancerCalls):
    """New ones are application and network load balancers."""

    found_key = ElbV2Calls.found_key
    makes = _ELBV2
    keeps = _CLASSIC

    @staticmethod
    def refuse(inputs: Mapping[str, object]) -> Iterator[Refusal]:
        """See `Capabilities.refuse`."""
        subnets = inputs.get("subnets")
        if inputs.get("protocol") == "http" and isinstance(subnets, (list, tuple)) and len(subnets) == _TOO_FEW:
            yield Refusal(
                why="an application load balancer, which is what AWS has for http, needs subnets in two zones",
                remedy="give it a second subnet, in another zone, or make the cloud with aws(balancers='elb')",
            )


_TOO_FEW: Final = 1

CALLS_OF: Final[Mapping[Balancers, type[LoadBalancerCalls]]] = MappingProxyType(
    {"elb": LoadBalancerCalls, "elbv2": ElbV2BalancerCalls}
)


def _serving(external_id: str) -> Calls[Drivers]:
    """What a load balancer belongs to: classic ones are known by their name, the others by an ARN."""
    return _ELBV2 if external_id.startswith("arn:") else _CLASSIC
