"""Secrets as declared: where they come from, and that they show nothing."""

from __future__ import annotations

import pytest

import orchestra as oc
from orchestra.model.secrets import SecretSource


def test_secrets_say_where_they_come_from() -> None:
    assert repr(oc.Secret.env("DB_PASSWORD")) == "<secret from environment 'DB_PASSWORD'>"
    assert repr(oc.Secret.file("/run/key")) == "<secret from file '/run/key'>"
    assert oc.Secret.generate("db", length=20, version=3).describe() == "generated 'db'"


def test_secrets_of_one_source_are_one() -> None:
    assert oc.Secret.env("A") == oc.Secret.env("A")
    assert hash(oc.Secret.env("A")) == hash(oc.Secret.env("A"))
    assert oc.Secret.env("A") != oc.Secret.file("A")
    assert oc.Secret.generate("A", version=2) != oc.Secret.generate("A")
    assert oc.Secret.generate("A").source is SecretSource.GENERATED


@pytest.mark.parametrize("length", [7, 257, 0, -1])
def test_lengths_out_of_range_are_refused(length: int) -> None:
    with pytest.raises(oc.DefinitionError, match=rf"length={length}\): a length from 8 to 256 is needed"):
        oc.Secret.generate("db", length=length)


@pytest.mark.parametrize("length", [8, 256])
def test_lengths_at_the_limits_are_taken(length: int) -> None:
    assert oc.Secret.generate("db", length=length).length == length


def test_outside_of_build_a_secret_can_not_become_text() -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        f"password={oc.Secret.env('A')}"
    assert caught.value.remedy == "move the f-string into build()"
    with pytest.raises(oc.DefinitionError):
        str(oc.Secret.env("A"))


def test_inside_build_a_secret_becomes_a_token_without_its_name() -> None:
    texts = []

    class Holder(oc.Stack):
        def build(self) -> None:
            texts.append(f"{oc.Secret.env('DB_PASSWORD')}")

    Holder()
    assert "DB_PASSWORD" not in texts[0]
    assert "<<orchestra:" in texts[0]


def test_secrets_are_neither_tested_nor_looped_over() -> None:
    with pytest.raises(oc.MisuseError, match="can't be tested for truth"):
        bool(oc.Secret.env("A"))
    with pytest.raises(oc.MisuseError, match="can't be looped over"):
        list(oc.Secret.env("A"))
