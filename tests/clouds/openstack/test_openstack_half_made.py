"""A server of which a crash left a part: told as failed, so that the next plan replaces it and waits for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from orchestra.clouds.families.openstack.identity import Identity, Token
from orchestra.clouds.families.openstack.ownership import mark, title
from orchestra.contracts import Inputs, Provider, Status
from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request
from tests.clouds.openstack.scenarios import cloud_at, owner

PROJECT = "p-1"
WISHES = Inputs({"labels": {}})


class Halves(Imitation):
    """A port of neutron's, and no server of nova's."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: dict[str, dict[str, Any]] = {}

    def token(self) -> Token:
        """One that is good here."""
        return Token("good", 4e9, PROJECT, dict.fromkeys(("compute", "network", "image", "volume"), self.endpoint))

    def add_port(self) -> None:
        """The port of the server ``web``."""
        self.ports["p1"] = {
            "id": "p1",
            "name": title(owner("web")),
            "description": mark(owner("web")),
            "device_id": "",
            "fixed_ips": [{"subnet_id": "s1", "ip_address": "10.0.0.5"}],
            "security_groups": [],
        }

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", "/v2.0/ports", lambda _: (200, {"ports": list(self.ports.values())})),
            ("GET", "/v2.0/ports/([^/]+)", self.port),
            ("DELETE", "/v2.0/ports/([^/]+)", self.drop),
            ("GET", "/v2.0/floatingips", lambda _: (200, {"floatingips": []})),
            ("GET", "/servers/detail", lambda _: (200, {"servers": []})),
        )

    def port(self, request: Request, identity: str) -> tuple[int, Any]:
        if identity not in self.ports:
            raise RefusedError(404, f"Port {identity} could not be found.")
        return 200, {"port": self.ports[identity]}

    def drop(self, request: Request, identity: str) -> tuple[int, Any]:
        self.port(request, identity)
        del self.ports[identity]
        return 204, None

    def refusal(self, error: RefusedError) -> Any:
        return {"NeutronError": {"type": "PortNotFound", "message": error.message}}


@pytest.fixture
def halves() -> Iterator[Halves]:
    made = Halves()
    with made.running():
        yield made


@pytest.fixture
def servers(halves: Halves, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setattr(Identity, "_signed_in", lambda _: halves.token())
    found = cloud_at(f"{halves.endpoint}/v3").provider("compute.Server")
    assert found is not None
    return found


def test_a_port_without_its_server_has_failed_and_is_taken_away(halves: Halves, servers: Provider) -> None:
    halves.add_port()
    found = servers.find(owner("web"), WISHES)
    assert found is not None
    assert (found.external_id, found.status, found.ownership) == ("port:p1", Status.FAILED, owner("web"))
    assert servers.observe([found.external_id]).found[found.external_id].status is Status.FAILED
    servers.delete(found.external_id)
    assert not halves.ports
    assert servers.observe([found.external_id]).gone == {found.external_id}
