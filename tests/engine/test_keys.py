"""Where the deployment's key comes from."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from memory_cloud import MemoryCloud
from stacks import deploy

import orchestra as oc
from orchestra.engine.keys import Key

KEY = "a key of 23 characters!"


class Bare(oc.Stack):
    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")


def found(source: Any = None, **environment: str) -> str | None:
    key = Key(source).get(environment)
    return None if key is None else str(key.value)


def test_it_is_text_or_comes_from_the_environment_a_file_or_a_function(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    assert found() is None
    assert found(KEY) == KEY
    assert found(ORCHESTRA_KEY=KEY) == KEY
    assert found(ORCHESTRA_KEY_FILE=str(path)) == KEY
    assert found(oc.Secret.env("OTHER"), OTHER=KEY) == KEY
    assert found(oc.Secret.file(str(path))) == KEY
    assert found(lambda: KEY) == KEY
    assert found(KEY, ORCHESTRA_KEY="another key of the kind") == KEY


def test_a_function_is_asked_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def kms() -> str:
        asked.append("")
        return KEY

    class Generated(oc.Stack):
        def build(self) -> None:
            self.bucket = oc.Bucket()
            self.blob = oc.Blob(bucket=self.bucket, key="k", content=oc.Secret.generate("admin"))

    with deploy(Generated(), MemoryCloud(), tmp_path, key=kms) as deployment:
        assert not asked
        deployment.apply()
        assert deployment.plan().is_empty
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("source", "environment", "told"),
    [
        ("short", {}, "key=…: a key of 5 characters can be guessed; at least 16 are needed"),
        ("", {}, "key=…: a key of 0 characters"),
        (None, {"ORCHESTRA_KEY": "short"}, "ORCHESTRA_KEY: a key of 5 characters"),
        (None, {"ORCHESTRA_KEY": KEY, "ORCHESTRA_KEY_FILE": "f"}, "both ORCHESTRA_KEY and ORCHESTRA_KEY_FILE are set"),
        (None, {"ORCHESTRA_KEY_FILE": "/no/such"}, "the file /no/such of a secret can't be read: No such file"),
        (None, {"ORCHESTRA_KEY": "\udce9" * 20}, "ORCHESTRA_KEY: the key is not UTF-8 text"),
        (oc.Secret.env("OTHER"), {}, "the environment variable OTHER of Secret.env is not set"),
        (oc.Secret.env("OTHER"), {"OTHER": "short"}, "<secret from environment 'OTHER'>: a key of 5"),
        (lambda: "short", {}, "what the function for the key gave: a key of 5 characters"),
        (lambda: b"bytes are not text", {}, "the function that gets the deployment's key gave a bytes, not text"),
        (oc.Secret.generate("it"), {}, "a generated secret is made from the key, and can't be it"),
        (17, {}, "text, Secret.env, Secret.file or a function is needed, not int"),
    ],
)
def test_one_that_is_missing_unfit_or_guessable_is_refused(source: Any, environment: dict[str, str], told: str) -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        found(source, **environment)
    assert told in str(caught.value)
    assert "short" not in str(caught.value).replace(told, "")


def test_a_file_that_is_not_text_is_refused_without_a_word_of_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"hunter2-hunter2\xff\xfe")
    with pytest.raises(oc.DefinitionError, match="not UTF-8") as caught:
        found(oc.Secret.file(str(path)))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__.__dict__)


def failing(error: Exception) -> Callable[[], str]:
    def kms() -> str:
        raise error

    return kms


def test_a_function_that_fails_is_told_as_an_error_of_the_state(tmp_path: Path) -> None:
    deployment = deploy(Bare(), MemoryCloud(), tmp_path, key=failing(TimeoutError("the KMS doesn't answer")))
    told = "the function that gets the deployment's key raised TimeoutError"
    with deployment, pytest.raises(oc.StateError, match=told) as caught:
        deployment.plan()
    assert isinstance(caught.value.__cause__, TimeoutError)


def test_it_shows_nothing_of_itself(tmp_path: Path) -> None:
    key = Key(KEY)
    assert KEY not in f"{key} {key!r} {[key]}"
    assert not hasattr(key, "__dict__")
    with deploy(Bare(), MemoryCloud(), tmp_path, key=KEY) as deployment:
        deployment.plan()
        assert KEY not in repr(vars(deployment))
