"""What each kind is said to be found by stands in the request that creates it, on the wire."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus

import pytest
import requests

from orchestra.clouds.connections import Connections
from orchestra.contracts import FoundBy, Inputs
from tests.clouds.aws.scenery import CASES, Case, Scene, owner

PARAMETERS = {
    "compute.Server": "ClientToken={token}",
    "compute.Volume": "ClientToken={token}",
    "dns.Zone": "<CallerReference>{token}</CallerReference>",
}
READS = ("Action=Describe", "Action=Get", "Action=List")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every request says that changes something: where to, its headers and its body."""
    requests_sent: list[str] = []
    send = Connections.send

    def recorded(self: Connections, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        text = unquote_plus(f"{request.url}\n{dict(request.headers)}\n{body}")
        if not any(read in text for read in READS) and (request.method != "GET" or "Action=" in text):
            requests_sent.append(text)
        return send(self, request, **named)

    monkeypatch.setattr(Connections, "send", recorded)
    return requests_sent


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_creating_request_carries_it(scene: Scene, case: Case, sent: list[str]) -> None:
    inputs, ours = case.inputs(scene), owner("subject")
    sent.clear()
    provider = scene.provider(case.kind)
    provider.create(Inputs(inputs), ours)
    assert sent
    creating = sent[0]
    match provider.capabilities.found_by:
        case FoundBy.CLIENT_TOKEN:
            assert PARAMETERS[case.kind].format(token=ours.token) in creating
        case FoundBy.TAG:
            assert ours.token in creating
        case FoundBy.NAME:
            assert ours.token[:10] in creating
        case FoundBy.NATURAL_KEY:
            assert not any(ours.token in request for request in sent)
        case None:
            pytest.fail("it isn't told how this kind is found")
    assert provider.capabilities.found_key


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_is_found_by_it(scene: Scene, case: Case) -> None:
    """By the token alone, or by the natural key whoever made it."""
    inputs, provider = case.inputs(scene), scene.provider(case.kind)
    assert provider.find(owner("subject"), Inputs(inputs)) is None
    made = provider.create(Inputs(inputs), owner("subject")).external_id
    found = provider.find(owner("subject"), Inputs(inputs))
    assert found is not None
    assert found.external_id == made
    others = provider.find(owner("other"), Inputs(inputs))
    assert (others is not None) == (provider.capabilities.found_by is FoundBy.NATURAL_KEY)
