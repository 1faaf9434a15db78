"""Secret outputs encrypted: for whose they are, and only there."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest
from memory_cloud import OUTPUTS, MemoryCloud
from stacks import deploy

import orchestra as oc
from orchestra.engine.ciphers import aes_gcm, derive
from orchestra.engine.keyring import Keyring
from orchestra.model.values import Revealed, Sealed, Value
from orchestra.planning.inputs import place_of

KEY = b"a key of the tests"
PLACE = place_of("access.Account", "account-1", "password")
OTHER = place_of("access.Account", "account-2", "password")


def keyring(key: bytes = KEY, deployment: str = "shop") -> Keyring:
    return Keyring(key, b"salt", deployment)


@pytest.mark.parametrize("value", ["word", "", 'ü"\\', 17, 1.5, True, ["a", {"b": "c"}], {"list": ["x", None]}])
def test_what_is_encrypted_is_opened_as_it_was(value: Value) -> None:
    def plain(opened: Value) -> Value:
        if isinstance(opened, dict):
            return {key: plain(item) for key, item in opened.items()}
        if isinstance(opened, list):
            return [plain(item) for item in opened]
        return opened.value if isinstance(opened, Revealed) else opened

    locked = keyring().lock(value, PLACE)
    assert plain(keyring().open_value(locked, PLACE)) == value


def test_the_same_value_is_the_same_text_only_at_the_same_place() -> None:
    once = keyring().lock("word", PLACE)
    assert keyring().lock("word", PLACE) == once
    others = [
        keyring().lock("word", OTHER),
        keyring().lock("words", PLACE),
        keyring(b"another key of tests").lock("word", PLACE),
        keyring(deployment="staging").lock("word", PLACE),
    ]
    assert len({str(one) for one in (once, *others)}) == 5
    nonces = {base64.b64decode(one.digest.partition(":")[2])[:12] for one in (once, *others) if isinstance(one, Sealed)}
    assert len(nonces) == 5


def test_a_text_that_was_put_elsewhere_is_refused() -> None:
    locked = keyring().lock("word", PLACE)
    for ring, place in (
        (keyring(), OTHER),
        (keyring(deployment="staging"), PLACE),
        (keyring(b"another key of tests"), PLACE),
    ):
        with pytest.raises(oc.StateError, match="can't be opened"):
            ring.open_value(locked, place)
    both = keyring().lock(["one", "two"], PLACE)
    assert isinstance(both, list)
    with pytest.raises(oc.StateError):
        keyring().open_value(both[::-1], PLACE)


def test_what_earlier_versions_wrote_can_still_be_opened() -> None:
    nonce = hmac.new(derive(KEY, "nonce"), b"word", hashlib.sha256).digest()[:12]
    old = Sealed("aesgcm:" + base64.b64encode(nonce + aes_gcm(KEY).encrypt(nonce, b"word", None)).decode())
    assert keyring().open_value(old, PLACE) == Revealed("word")


class Login(oc.Resource, kind="access.Login"):
    password = oc.output_field(str, secret=True)


def test_a_secret_output_moves_with_its_resource(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Before(oc.Stack):
        def build(self) -> None:
            self.login = Login()

    class After(oc.Stack):
        def build(self) -> None:
            self.moved = Login(lifecycle=oc.Lifecycle(moved_from=["login"]))
            self.bucket = oc.Bucket()
            self.blob = oc.Blob(bucket=self.bucket, key="k", content=f"{self.moved.password}")

    monkeypatch.setitem(OUTPUTS, "access.Login", ("password",))
    cloud = MemoryCloud()
    with deploy(Before(), cloud, tmp_path, key=KEY.decode()) as deployment:
        deployment.apply()
    stack = After()
    with deploy(stack, cloud, tmp_path, key=KEY.decode()) as deployment:
        deployment.apply()
        assert cloud.at("blob").inputs["content"] == deployment.value(stack.moved.password) == "login-1.password"
        assert deployment.plan().is_empty


class Checked(oc.Stack):
    def build(self) -> None:
        self.bucket = oc.Bucket()
        self.blob = oc.Blob(bucket=self.bucket, key="k", content=oc.Secret.env("BLOB_CONTENT"))
        self.open = oc.Blob(bucket=self.bucket, key="open", content="public")
        self.sums = oc.Blob(bucket=self.bucket, key="sums", content=self.blob.etag.map(lambda tag: f"sum {tag}"))


@pytest.mark.parametrize("key", [KEY.decode(), None])
def test_a_checksum_of_a_secret_is_as_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: Any) -> None:
    monkeypatch.setenv("BLOB_CONTENT", "hunter2")
    cloud = MemoryCloud()
    cloud.untold = frozenset({"content"})
    stack = Checked()
    with deploy(stack, cloud, tmp_path, key=key) as deployment:
        deployment.apply()
        records = deployment.resources
        kept = records["blob"].outputs["etag"]
        assert isinstance(kept, Sealed) if key else kept is None
        assert records["open"].outputs["etag"] == f"{records['open'].external_id}.etag"
        plain = f"{records['blob'].external_id}.etag" if key else None
        assert cloud.at("sums").inputs["content"] == f"sum {plain}"
        plan = deployment.plan()
        assert plan.is_empty, str(plan)
        assert not plan.changes
