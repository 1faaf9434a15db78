"""Every request of every creation, update and deletion cut off: in the end there is one thing, finished, or none.

A connection cut before the work of a request leaves what one cut after the request before it leaves, so both are
tried only for creations.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import pytest

from orchestra.contracts import Inputs, Status
from orchestra.errors import CloudError, NotFoundError, TransientError
from orchestra.resources.checks import content_digest
from tests.clouds.aws.scenery import CASES, Case, Scene, census, owner, settled
from tests.moto_server import MotoServer

EACH = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
READS = ("Describe", "GET", "HEAD")


def mutations(server: MotoServer, work: Callable[[], Any]) -> list[str]:
    """The actions that ``work`` changes something with."""
    before = server.stats()
    work()
    grown = {action for action, count in server.stats().items() if count > before.get(action, 0)}
    return sorted(action for action in grown if not action.startswith(READS))


def fresh(scene: Scene) -> Scene:
    """An empty account, on the same cloud object."""
    scene.server.reset()
    return Scene(scene.cloud, scene.server)


@EACH
def test_creations(scene: Scene, case: Case) -> None:
    inputs = case.inputs(scene)
    actions = mutations(scene.server, lambda: scene.provider(case.kind).create(Inputs(inputs), owner("subject")))
    clean = census(scene.server)
    assert actions
    for action in actions:
        for mode in ("drop_before", "drop_after"):
            now = fresh(scene)
            inputs = case.inputs(now)
            now.server.fault(action=action, mode=mode)
            with pytest.raises(TransientError) as cut:
                now.provider(case.kind).create(Inputs(inputs), owner("subject"))
            assert cut.value.sent
            observation = settled(now, case, inputs, owner("subject"))
            wanted = case.wanted(inputs)
            if "content" in wanted:
                wanted["content"] = content_digest(wanted["content"])
            assert {name: observation.inputs[name] for name in wanted} == wanted, (action, mode)
            assert census(now.server) == clean, (action, mode)


@EACH
def test_updates(scene: Scene, case: Case) -> None:
    for name in case.changes(scene):
        now = fresh(scene)
        inputs, value = case.inputs(now), case.changes(now)[name]
        made = now.make(case.kind, "subject", **inputs)
        actions = mutations(now.server, lambda: now.update(case.kind, made, inputs, **{name: value}))  # noqa: B023
        clean = census(now.server)
        for action in actions:
            now = fresh(scene)
            inputs, value = case.inputs(now), case.changes(now)[name]
            made = now.make(case.kind, "subject", **inputs)
            now.server.fault(action=action, mode="drop_after")
            with pytest.raises(TransientError):
                now.update(case.kind, made, inputs, **{name: value})
            now.update(case.kind, made, inputs, **{name: value})
            told = now.observed(case.kind, made)
            wanted = case.wanted({name: value})[name]
            assert told.inputs[name] == (content_digest(wanted) if name == "content" else wanted), action
            assert told.status is Status.READY
            assert census(now.server) == clean, (name, action)


@EACH
def test_deletions(scene: Scene, case: Case) -> None:
    def begin() -> tuple[Scene, str, collections.Counter[str]]:
        now = fresh(scene)
        inputs = case.inputs(now)
        before = census(now.server)
        return now, now.make(case.kind, "subject", **inputs), before

    now, made, before = begin()
    actions = mutations(now.server, lambda: now.provider(case.kind).delete(made))
    for action in actions:
        now, made, before = begin()
        now.server.fault(action=action, mode="drop_after")
        with pytest.raises(TransientError):
            now.provider(case.kind).delete(made)
        now.provider(case.kind).delete(made)
        assert now.provider(case.kind).observe([made]).gone == {made}
        assert census(now.server) == before, action


@EACH
def test_a_creation_refused_half_way_is_found_by_its_token(scene: Scene, case: Case) -> None:
    """A refusal after the first request is no reason to forget what that made."""
    inputs = case.inputs(scene)
    actions = mutations(scene.server, lambda: scene.provider(case.kind).create(Inputs(inputs), owner("subject")))
    for action in actions:
        now = fresh(scene)
        inputs = case.inputs(now)
        bare = census(now.server)
        body = "<Response><Errors><Error><Code>AccessDenied</Code><Message>no</Message></Error></Errors></Response>"
        now.server.fault(action=action, mode="answer", status=403, body=body)
        with pytest.raises(CloudError) as refused:
            now.provider(case.kind).create(Inputs(inputs), owner("subject"))
        assert not isinstance(refused.value, NotFoundError)
        found = now.provider(case.kind).find(owner("subject"), Inputs(inputs))
        assert (found is None) == (census(now.server) == bare), action
        if found is not None:
            assert found.status is Status.PENDING, action
            assert found.ownership == owner("subject")
            now.provider(case.kind).delete(found.external_id)
            assert census(now.server) == bare, action


def test_what_cannot_be_seen_yet_is_no_refusal(scene: Scene) -> None:
    """A part of AWS that doesn't know yet what another has made: the creation goes on later, and is never forgotten."""
    body = "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>x</Message></Error></Errors></Response>"
    inputs = Inputs({"cidr": "10.0.0.0/16", "internet": True, "labels": {}})
    scene.server.fault(action="AttachInternetGateway", mode="answer", status=400, body=body)
    with pytest.raises(TransientError, match="doesn't know of it yet") as early:
        scene.provider("network.Network").create(inputs, owner("network"))
    assert early.value.retry_after == 2.0
    scene.server.fault(
        action="DescribeRouteTables",
        mode="rewrite",
        find="<routeTableSet>.*</routeTableSet>",
        replace="<routeTableSet/>",
        skip=1,
    )
    with pytest.raises(TransientError, match="main route table"):
        scene.provider("network.Network").create(inputs, owner("network"))
    made = scene.provider("network.Network").create(inputs, owner("network"))
    assert scene.observed("network.Network", made.external_id).inputs["internet"] is True
    assert census(scene.server)["gateways"] == 1
