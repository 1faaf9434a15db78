"""What application and network load balancers are made of, made twice.

AWS takes a second creation of the same name (a listener: of the same port) for the first if the settings are the same,
and refuses it otherwise. moto makes another load balancer, another listener, and refuses every second target group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from moto.elbv2.models import elbv2_backends

from tests.moto_server.messages import ACCOUNT, Answer, Request, refusal
from tests.moto_server.tokens import asked_by

Key = tuple[str, str, str]

_REFUSALS: Final = {
    "CreateLoadBalancer": ("DuplicateLoadBalancerName", "A load balancer with the same name exists"),
    "CreateTargetGroup": ("DuplicateTargetGroupName", "A target group with the same name exists"),
    "CreateListener": ("DuplicateListener", "A listener already exists on this port for this load balancer"),
}


class Doubles:
    """Answers by what was made."""

    def __init__(self) -> None:
        self._answers: dict[Key, tuple[dict[str, str], Answer]] = {}

    def clear(self) -> None:
        """Forget all of it."""
        self._answers.clear()

    def recall(self, request: Request) -> Answer | None:
        """The answer to ``request`` if what it makes is there already."""
        key = _key(request)
        if key is None or key not in _there(request.region):
            return None
        asked, answer = self._answers[key]
        return answer if asked == asked_by(request) else refusal(request, 400, *_REFUSALS[request.action])

    def remember(self, request: Request, answer: Answer) -> None:
        """Keep ``answer`` if it tells of something made."""
        key = _key(request)
        if key is not None and answer.status < 300:
            self._answers[key] = (asked_by(request), answer)


def _key(request: Request) -> Key | None:
    if not request.is_elbv2 or request.action not in _REFUSALS:
        return None
    asked = request.parameters
    what = asked.get("Name") or f"{asked.get('LoadBalancerArn')} {asked.get('Port')}"
    return request.region, request.action, what


def _there(region: str) -> set[Key]:
    return set(_things(region))


def _things(region: str) -> Iterator[Key]:
    backend = elbv2_backends[ACCOUNT][region]
    for arn, balancer in backend.load_balancers.items():
        yield region, "CreateLoadBalancer", balancer.name
        yield from ((region, "CreateListener", f"{arn} {one.port}") for one in balancer.listeners.values())
    yield from ((region, "CreateTargetGroup", group.name) for group in backend.target_groups.values())
