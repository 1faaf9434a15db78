"""Every request of every changing call asks for its permit, and does not leave without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestra import permit
from orchestra.contracts import Inputs
from orchestra.errors import LeaseLostError
from tests.clouds.aws.scenery import CASES, Case, Scene, owner
from tests.moto_server import MotoServer

EACH = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


class Permit:
    """Counts how often it is asked for; refuses after ``left`` times."""

    def __init__(self, left: int = 1_000) -> None:
        self.asked = -1  # the way in is no request
        self.left = left

    def __call__(self) -> None:
        if self.asked == self.left:
            raise LeaseLostError("another has it")
        self.asked += 1


def sent(server: MotoServer, work: Callable[[], Any], check: Permit) -> int:
    """How many requests ``work`` sent under ``check``."""
    before = sum(server.stats().values())
    with permit.permitted(check):
        work()
    return sum(server.stats().values()) - before


@EACH
def test_every_request_asks_once(scene: Scene, case: Case) -> None:
    inputs, provider = case.inputs(scene), scene.provider(case.kind)
    made: list[str] = []
    calls: list[Callable[[], Any]] = [
        lambda: made.append(provider.create(Inputs(inputs), owner("subject")).external_id),
        *(
            lambda name=name, value=value: scene.update(case.kind, made[0], inputs, **{name: value})
            for name, value in case.changes(scene).items()
        ),
        lambda: provider.delete(made[0]),
    ]
    for call in calls:
        check = Permit()
        assert sent(scene.server, call, check) == check.asked > 0


@EACH
def test_nothing_is_sent_once_the_permit_is_refused(scene: Scene, case: Case) -> None:
    inputs, counting = case.inputs(scene), Permit()
    sent(scene.server, lambda: scene.provider(case.kind).create(Inputs(inputs), owner("subject")), counting)
    for number in range(counting.asked):
        scene.server.reset()
        now = Scene(scene.cloud, scene.server)
        inputs = case.inputs(now)

        def refused(now: Scene = now, inputs: dict[str, Any] = inputs) -> None:
            with pytest.raises(LeaseLostError):
                now.provider(case.kind).create(Inputs(inputs), owner("subject"))

        assert sent(scene.server, refused, Permit(left=number)) == number
