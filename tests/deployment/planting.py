"""Secrets planted wherever one can stand, and the search for them."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import http.client
import io
import itertools
import logging
import pickle
import pprint
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import libcloud

import orchestra as oc
from orchestra.contracts import Capabilities, Inputs, Observation, Ownership, Provider, Reading, Update
from orchestra.events import Event
from orchestra.model.values import Plain

CORES: Final = {
    "environment": "ENVq7Rm2LkZp9TxWb4NcYd81",
    "file": "FILh3Vt8SgQw5JkXn6PzLr20",
    "label": "LBLd9Kc4WmXs7BqFj1HvTy63",
    "record": "RECx5Np8ZtGr2MwLd7QkSb46",
    "input": "INPw6Yj1DfHs8CnRt3VkXm92",
    "output": "OUTb2Fg7PqKd5ZxWm9TnJc14",
    "trigger": "TRGs8Lw3NvXc6HjRk1DpMz57",
    "key": "KEYm4Tz9BxGw2QdVf7SnLh35",
    "other key": "KYNp7Cs3RkJd8WxTb5FvHq69",
    "cloud secret": "CLDv1Qr6KmYt4GzXs8WdNj27",
    "session token": "TOKf8Jb5SxPn3LcVw6RmZt71",
    "database": "PGSk2Xd7MvQh9TzRf4CwLb58",
}
"""The part of each secret that no way of writing it changes, but base64 and the like."""

VALUES: Final = {name: f"\"{name}'<&>%/+ =\\{core}é" for name, core in CORES.items()}
"""The secrets: each has what JSON, XML, URLs and shells escape."""

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_HEX: Final = re.compile(rb"[0-9A-Fa-f]{24,}")


def traces(told: bytes, contents: Sequence[str] = (), depth: int = 2) -> list[str]:
    """The names of the secrets of which half or more can be read in ``told``, and what it has plain digests of."""
    found = {name for name, core in CORES.items() if core[:12].encode() in told or core[12:].encode() in told}
    found.update(f"a content of {len(content)}" for content in contents if content.encode() in told)
    lowered = told.lower()
    for content in (*VALUES.values(), *CORES.values(), *contents):
        for kind in ("md5", "sha1", "sha256"):
            if hashlib.new(kind, content.encode(), usedforsecurity=False).hexdigest().encode() in lowered:
                found.add(f"{kind} of {content!r}")
    if depth:
        for inner in _decoded(told):
            found.update(traces(inner, contents, depth - 1))
    return sorted(found)


def _decoded(told: bytes) -> Iterator[bytes]:
    """What ``told`` holds in base64, wherever that begins, and in hexadecimal."""
    yield b"\n".join(
        base64.b64decode(run[: len(run) // 4 * 4].replace(b"-", b"+").replace(b"_", b"/"))
        for match in set(_BASE64.findall(told))
        for run in (match[start:] for start in range(4))
        if len(run) >= 4
    )
    yield b"\n".join(binascii.unhexlify(run[: len(run) // 2 * 2]) for run in set(_HEX.findall(told)))


class Account(oc.Resource, kind="access.Account"):
    """A kind of one's own, with a secret input and a secret output."""

    login: str
    pin: Any = oc.input_field(secret=True, default=None)

    password = oc.output_field(str, secret=True)


class Planted(oc.Stack):
    """Secrets as inputs, alone, in texts, computed, in lists, in mappings, as triggers and as outputs."""

    round: int = 1
    with_server: bool = True

    def build(self) -> None:
        environment, record, label = (oc.Secret.env(f"PLANTED_{name}") for name in ("environment", "record", "label"))
        self.account = Account(login="ada", pin=f"pin {oc.Secret.env('PLANTED_input')}")
        self.network = oc.Network(cidr="10.0.0.0/16", labels={"round": str(self.round), "note": f"n {label}"})
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        if self.with_server:
            self.server = oc.Server(
                image=oc.Image(os="debian", version="12"),
                size=oc.Size(cpus=1, memory_gib=1),
                subnet=self.subnet,
                user_data=f"#!/bin/sh\necho {environment} {self.account.password}\n",
                labels={"round": str(self.round), "note": f"{label}"},
                lifecycle=oc.Lifecycle(replace_on=[f"{oc.Secret.env('PLANTED_trigger')}"]),
            )
        self.bucket = oc.Bucket()
        self.blobs = [
            oc.Blob(bucket=self.bucket, key=f"blob-{number}", content=content)
            for number, content in enumerate(
                (
                    oc.Secret.file("planted-file"),
                    oc.Secret.generate("admin", length=24),
                    self.account.password.map(lambda word: f"dsn://{word}@db"),
                    f"{environment}",
                )
            )
        ]
        self.zone = oc.Zone(domain="planted.example")
        self.record = oc.Record(zone=self.zone, name="secret", type="TXT", values=["public", f"v={record}"])
        self.told = oc.Output(f"{environment}@{self.network.id}")
        self.computed = oc.Output(self.account.password.map(len))
        self.generated = oc.Output(oc.Secret.generate("admin", length=24))
        self.nested = oc.Output({"list": [environment, "plain"]})


class Accounts:
    """The provider of accounts: what it holds is in memory."""

    kind = "access.Account"
    capabilities = Capabilities()

    def __init__(self) -> None:
        self.things: dict[str, tuple[Ownership, dict[str, Plain]]] = {}
        self._numbers = itertools.count(1)

    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        found = self.find(owner, inputs)
        if found is None:
            external_id = f"account-{next(self._numbers)}"
            self.things[external_id] = (owner, {"login": inputs.text("login"), "pin": inputs.text("pin")})
            found = self._told(external_id)
        return found

    def observe(self, ids: Sequence[str]) -> Reading:
        found = {one: self._told(one) for one in ids if one in self.things}
        return Reading(found=found, gone=frozenset(ids) - found.keys())

    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        return next((self._told(one) for one, (whose, _) in self.things.items() if whose.token == owner.token), None)

    def update(self, external_id: str, update: Update) -> Observation:
        self.things[external_id][1].update(pin=update.after.text("pin"))
        return self._told(external_id)

    def delete(self, external_id: str) -> None:
        self.things.pop(external_id, None)

    def list(self) -> Iterator[Observation]:
        yield from map(self._told, list(self.things))

    def choose(self, name: str, wanted: Mapping[str, Plain]) -> str:
        raise AssertionError("nothing to choose")

    def _told(self, external_id: str) -> Observation:
        owner, inputs = self.things[external_id]
        return Observation(
            external_id=external_id, inputs=inputs, outputs={"password": VALUES["output"]}, ownership=owner
        )


Hook = Callable[[str, str], None]


class Watched:
    """A cloud that calls ``before`` and ``after`` with operation and kind around every call of a provider.

    ``told`` may change what it tells.
    """

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        self.name: str = cloud.name
        self.before: Hook = lambda operation, kind: None
        self.after: Hook = lambda operation, kind: None
        self.told: Callable[[Observation], Observation] = lambda observation: observation

    def provider(self, kind: str) -> Any:
        found = self.cloud.provider(kind)
        return None if found is None else _WatchedProvider(self, found)

    def verify(self) -> None:
        self.before("verify", "")
        self.cloud.verify()


class _WatchedProvider:
    def __init__(self, watch: Watched, provider: Provider) -> None:
        self._watch = watch
        self._provider = provider
        self.kind = provider.kind
        self.capabilities = provider.capabilities

    def _around(self, operation: str, call: Callable[[], Any]) -> Any:
        self._watch.before(operation, self.kind)
        answer = call()
        self._watch.after(operation, self.kind)
        return answer

    def create(self, inputs: Inputs, owner: Ownership) -> Any:
        return self._around("create", lambda: self._provider.create(inputs, owner))

    def observe(self, ids: Sequence[str]) -> Any:
        reading = self._around("observe", lambda: self._provider.observe(ids))
        return attrs.evolve(reading, found={name: self._watch.told(one) for name, one in reading.found.items()})

    def find(self, owner: Ownership, inputs: Inputs) -> Any:
        return self._around("find", lambda: self._provider.find(owner, inputs))

    def update(self, external_id: str, update: Update) -> Any:
        return self._around("update", lambda: self._provider.update(external_id, update))

    def delete(self, external_id: str) -> Any:
        return self._around("delete", lambda: self._provider.delete(external_id))

    def list(self) -> Any:
        return self._around("list", lambda: list(self._provider.list()))

    def choose(self, name: str, wanted: Mapping[str, Plain]) -> Any:
        return self._around("choose", lambda: self._provider.choose(name, wanted))


@attrs.define
class Witness:
    """Gathers what is told anywhere, and says which secrets are in it."""

    places: dict[str, list[bytes]] = attrs.field(factory=dict)
    events: list[Event] = attrs.field(factory=list)
    debug: io.StringIO = attrs.field(factory=io.StringIO)
    contents: list[str] = attrs.field(factory=list)

    def note(self, place: str, told: str | bytes) -> None:
        """Something that was told at ``place``."""
        self.places.setdefault(place, []).append(told if isinstance(told, bytes) else told.encode())

    def see(self, place: str, thing: object) -> None:
        """An object, in every way in which it can be printed or kept."""
        self.note(f"{place}: printed", f"{thing!r} {pprint.pformat(thing)} {[thing]} { {'it': thing} }")
        with contextlib.suppress(oc.DefinitionError):  # a secret is put into text only while it is declared
            self.note(f"{place}: printed", f"{thing}")
        for name in ("_repr_html_", "to_json"):
            if hasattr(type(thing), name):
                self.note(f"{place}: {name}", repr(getattr(thing, name)()))
        with contextlib.suppress(TypeError):
            self.note(f"{place}: vars", repr(vars(thing)))
        if attrs.has(type(thing)):
            self.note(f"{place}: asdict", repr(attrs.asdict(thing)))  # type: ignore[arg-type]
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            try:
                pickled = pickle.dumps(thing, protocol)
            except Exception:  # what can't be pickled can't tell anything
                continue
            self.note(f"{place}: pickled", pickled)

    def fail(self, place: str, error: BaseException) -> None:
        """An exception with everything that hangs on it."""
        self.note(f"{place}: traceback", "".join(traceback.format_exception(error)))
        self.note(f"{place}: traceback", traceback.TracebackException.from_exception(error).__repr__())
        todo, seen = [error], set()
        while todo:
            one = todo.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            self.see(place, one)
            self.note(f"{place}: parts", f"{one.args!r} {getattr(one, '__notes__', '')}")
            todo += [under for under in (one.__cause__, one.__context__) if under is not None]
            todo += getattr(one, "exceptions", ())

    def folder(self, folder: Path, *, but: str) -> None:
        """Every file in ``folder``, but those whose names begin with ``but``."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith(but):
                self.note(f"file {path.name}", path.read_bytes())

    def deployment(self, deployment: oc.Deployment) -> None:
        """Everything that a deployment tells when it is asked."""
        self.see("deployment", deployment)
        self.see("stack", deployment.stack)
        self.see("cloud", deployment.cloud)
        self.see("store", deployment.store)
        self.see("state", deployment.store.load())
        self.see("journal", deployment.store.journal())
        for past in deployment.history():
            self.see("history", past)
        for address, record in deployment.resources.items():
            self.see(f"record {address}", record)
        for address, declared in deployment._declaration.resources.items():
            self.see(f"resource {address}", declared.resource)
        self.see("graph", deployment.graph())

    @property
    def found(self) -> dict[str, list[str]]:
        """The secrets that can be read, by place."""
        for event in self.events:
            self.see("event", event)
        self.events.clear()
        self.note("Libcloud's debug output", self.debug.getvalue())
        found = {place: traces(b"\n".join(told), self.contents) for place, told in self.places.items()}
        return {place: names for place, names in found.items() if names}


class _Everything(logging.Handler):
    """Notes what is logged, and all that hangs on it."""

    def __init__(self, witness: Witness) -> None:
        super().__init__(level=0)
        self._witness = witness
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._witness.note(f"log of {record.name}", self.format(record))


@contextlib.contextmanager
def listening(witness: Witness) -> Iterator[None]:
    """Every logger at its most talkative, and Libcloud's debug output, into ``witness``."""
    loggers = [logging.getLogger(name) for name in ("", "libcloud", "urllib3", "requests", "orchestra", "psycopg")]
    levels = [logger.level for logger in loggers]
    handler = _Everything(witness)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    loggers[0].addHandler(handler)
    libcloud.enable_debug(witness.debug)
    level, http.client.HTTPConnection.debuglevel = http.client.HTTPConnection.debuglevel, 1
    try:
        yield
    finally:
        http.client.HTTPConnection.debuglevel = level
        libcloud.reset_debug()
        loggers[0].removeHandler(handler)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
