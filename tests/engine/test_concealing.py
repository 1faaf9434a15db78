"""No secret gets out in what an error says."""

from __future__ import annotations

import base64
import json
import traceback
from pathlib import Path
from typing import Any

import pytest
from memory_cloud import MemoryCloud
from stacks import deploy

import orchestra as oc
from orchestra.events import Event
from orchestra.model.concealing import Concealer
from orchestra.model.values import Revealed
from orchestra.testing import VirtualClock

pytestmark = pytest.mark.timeout(20)

PASSWORD = "correct-horse-battery-staple"
SCRIPT = f"#!/bin/sh\necho {PASSWORD} > /etc/secret\n"


class Secretive(oc.Stack):
    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        password = oc.Secret.env("SHOP_PASSWORD")
        self.server = oc.Server(
            image="i", size="s", subnet=self.subnet, user_data=f"#!/bin/sh\necho {password} > /etc/secret\n"
        )


class DriverError(Exception):
    """What a driver raises: the cloud's answer quotes the request."""


def quoting(template: str) -> Any:
    def hook(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", "server"):
            text = template.format(
                plain=SCRIPT,
                password=PASSWORD,
                start=PASSWORD[:20],
                base64=base64.b64encode(SCRIPT.encode()).decode(),
                json=json.dumps(SCRIPT),
            )
            raise oc.InvalidRequestError(f"the cloud refused: {text}") from DriverError(f"400 {text}")

    return hook


@pytest.mark.parametrize(
    "template",
    ["{plain}", "user data '{password}'", "{base64}", "request was {json}", "starts with {start}... (cut)"],
)
def test_a_secret_in_a_clouds_answer_is_told_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    heard: list[Event] = []
    cloud = MemoryCloud()
    cloud.before = quoting(template)
    deployment = deploy(Secretive(), cloud, tmp_path, listeners=[heard.append], clock=VirtualClock())
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    told = [
        str(caught.value),
        repr(caught.value.exceptions),
        "".join(traceback.format_exception(caught.value)),
        repr(heard),
        repr(deployment.store.journal()),
    ]
    (tmp_path / "state.db-wal").exists()
    told += [path.read_bytes().decode("latin-1") for path in tmp_path.iterdir()]
    for text in told:
        assert PASSWORD not in text
        assert PASSWORD[:20] not in text
        assert base64.b64encode(SCRIPT.encode()).decode() not in text
    assert "the cloud refused" in str(caught.value)


def test_a_provider_that_raises_anything_is_told_without_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)

    def hook(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", "server"):
            raise KeyError(SCRIPT)

    cloud = MemoryCloud()
    cloud.before = hook
    with pytest.raises(oc.ApplyError) as caught:
        deploy(Secretive(), cloud, tmp_path, clock=VirtualClock()).apply()
    assert "server: the provider of compute.Server raised KeyError" in str(caught.value)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


class StubbornError(Exception):
    """Says more than its arguments."""

    def __str__(self) -> str:
        return f"always says {PASSWORD}"


def test_what_can_not_be_made_to_keep_a_secret_is_cut_off() -> None:
    concealer = Concealer()
    concealer.learn(Revealed(PASSWORD))
    error = oc.InvalidRequestError("refused")
    middle = ValueError("in between")
    error.__cause__ = middle
    middle.__context__ = StubbornError()
    concealer.clean(error)
    assert PASSWORD not in "".join(traceback.format_exception(error))
    assert "in between" in "".join(traceback.format_exception(error))


def test_short_and_harmless_texts_stay() -> None:
    concealer = Concealer()
    concealer.learn({"a": Revealed("no"), "b": [Revealed(7), "open"], "c": Revealed("open sesame")})
    assert concealer.text("no 7 open doors, said the open sesame man") == "no 7 open doors, said the (secret) man"


def test_a_long_secret_is_hidden_whole_and_line_by_line() -> None:
    concealer = Concealer()
    lines = [f"line {number} of a long script" for number in range(100)]
    script = "\n".join(lines)
    concealer.learn(Revealed(script))
    for text in (script, json.dumps(script), base64.b64encode(script.encode()).decode(), lines[50], lines[50][:15]):
        assert "of a long" not in concealer.text(f"said: {text}")
        assert concealer.text(f"said: {text}") != f"said: {text}"


def test_what_is_expected_is_learnt_when_something_is_to_be_hidden_and_once() -> None:
    concealer = Concealer()
    asked: list[str] = []

    def learn_all() -> None:
        asked.append("")
        concealer.learn(Revealed(PASSWORD))

    concealer.expect(learn_all)
    assert not asked
    assert concealer.text(PASSWORD) == concealer.text(PASSWORD) == "(secret)"
    assert len(asked) == 1


def test_groups_are_cleaned_with_what_is_in_them() -> None:
    concealer = Concealer()
    concealer.learn(Revealed(PASSWORD))
    inner = oc.InvalidRequestError(f"refused {PASSWORD}", remedy=f"not {PASSWORD}", code=PASSWORD)
    group = oc.ApplyError("it failed", [inner, oc.ApplyError("more", [KeyError({"deep": [PASSWORD]})])])
    concealer.clean(group)
    told = f"{group} {group!r} {vars(inner)}" + "".join(traceback.format_exception(group))
    assert PASSWORD not in told
    assert "refused (secret)" in told
