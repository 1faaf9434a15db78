"""Wrong keys, no network, an unknown region or image: told as what they are, at plan time, and nothing is made."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

import orchestra as oc
from orchestra.testing import VirtualClock
from tests.moto_server import MotoServer


class Small(oc.Stack):
    image: oc.Image = oc.Image(os="debian", version="12")

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.server = oc.Server(image=self.image, size=oc.Size(cpus=1, memory_gib=1), subnet=self.subnet)


def deployment(stack: oc.Stack, folder: Path, **aws: str) -> oc.Deployment:
    given = {"region": "eu-west-1", "access_key": "AKIDEXAMPLE", "secret_key": "wrong", **aws}
    cloud, state = oc.clouds.aws(**given), folder / "state.db"
    return oc.Deployment(stack, name="small", cloud=cloud, state=state, progress=False, clock=VirtualClock())


def right(server: MotoServer) -> dict[str, str]:
    return {"endpoint": server.endpoint, "access_key": server.access_key, "secret_key": server.secret_key}


def nothing_was_made(server: MotoServer) -> bool:
    return not [action for action in server.stats() if action.startswith(("Create", "Run", "Import", "Allocate"))]


def test_wrong_credentials(aws: MotoServer, tmp_path: Path) -> None:
    with pytest.raises(oc.CredentialsError) as caught:
        deployment(Small(), tmp_path, endpoint=aws.endpoint).plan()
    assert caught.value.remedy
    assert "wrong" not in str(caught.value).replace("wrong?", "")
    assert nothing_was_made(aws)


def test_no_network(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(oc.TransientError) as caught:
            deployment(Small(), tmp_path, endpoint=endpoint).plan()
    assert caught.value.sent is False
    assert caught.value.remedy
    assert "Signature" not in str(caught.value)


def test_unknown_region(aws: MotoServer, tmp_path: Path) -> None:
    with pytest.raises(oc.InvalidRequestError, match="eu-west-1"):
        deployment(Small(), tmp_path, **{**right(aws), "region": "eu-wset-1"}).plan()
    assert nothing_was_made(aws)


def test_an_image_that_the_cloud_does_not_have(aws: MotoServer, tmp_path: Path) -> None:
    with pytest.raises(oc.ChoiceError) as caught:
        deployment(Small(image=oc.Image(os="templeos", version="5")), tmp_path, **right(aws)).plan()
    assert caught.value.address == "server"
    assert caught.value.remedy
    assert nothing_was_made(aws)


def test_the_reply_to_a_creation_is_lost_and_nothing_is_made_twice(aws: MotoServer, tmp_path: Path) -> None:
    with deployment(Small(), tmp_path, **right(aws)) as small:
        for action in ("CreateVpc", "RunInstances", "CreateSubnet"):
            aws.fault(action=action, mode="drop_after", count=1)
        small.apply()
        assert small.plan().is_empty
        assert len(small.resources) == 3
        small.destroy()
        assert small.resources == {}


def test_the_connection_breaks_in_the_middle_of_a_run(aws: MotoServer, tmp_path: Path) -> None:
    with deployment(Small(), tmp_path, **right(aws)) as small:
        aws.fault(
            action="CreateSubnet",
            mode="answer",
            status=403,
            count=1,
            body="<Response><Errors><Error><Code>UnauthorizedOperation</Code>"
            "<Message>You may not</Message></Error></Errors></Response>",
        )
        with pytest.raises(oc.ApplyError) as caught:
            small.apply()
        (cause,) = caught.value.exceptions
        assert isinstance(cause, oc.CredentialsError)
        assert cause.address == "subnet"
        assert set(small.resources) == {"network"}
        small.apply()
        assert small.plan().is_empty
        small.destroy()
