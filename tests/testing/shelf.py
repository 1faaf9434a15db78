"""A provider that keeps its contract, over a dict; and, for each rule, one that breaks it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

import orchestra as oc
from orchestra.contracts import Capabilities, Inputs, Observation, Ownership, Reading, Status, Update
from orchestra.model.values import Plain
from orchestra.resources import checks


class Box(oc.Resource, kind="shelf.Box"):
    """A box."""

    name: str = oc.input_field(replace=True)
    words: Sequence[str] = oc.input_field(default=(), normalize=checks.sorted_texts)
    note: str | oc.Secret | None = oc.input_field(default=None)
    content: str = oc.input_field(default="", summarize=checks.content_digest)
    volume: oc.Size | str = oc.input_field(factory=lambda: oc.Size(cpus=1, memory_gib=1), choice=True)
    weight: int = oc.input_field(default=1, replace=checks.is_smaller)

    mass = oc.output_field(int)
    label = oc.output_field(str)


@attrs.define
class Kept:
    """One box that is there."""

    inputs: dict[str, Any]
    owner: Ownership
    looks: int = 2
    """How often it is looked at until it is ready."""


@attrs.define
class Shelf:
    """What all providers of one test look at."""

    boxes: dict[str, Kept] = attrs.field(factory=dict)
    numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))
    lock: threading.RLock = attrs.field(factory=threading.RLock)


class Boxes:
    """Keeps every rule."""

    kind = "shelf.Box"
    capabilities = Capabilities()

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        with self.shelf.lock:
            for external_id, box in self.shelf.boxes.items():
                if box.owner.token == owner.token:
                    return self.tell(external_id)
            external_id = f"box-{next(self.shelf.numbers)}"
            self.shelf.boxes[external_id] = Kept(self.wanted(inputs), owner)
            return self.tell(external_id)

    def wanted(self, inputs: Inputs) -> dict[str, Any]:
        return {
            "name": inputs.text("name"),
            "words": inputs.texts("words"),
            "note": inputs.optional_text("note"),
            "content": inputs.text("content"),
            "volume": inputs.choice("volume"),
            "weight": inputs.integer("weight"),
        }

    def observe(self, ids: Sequence[str]) -> Reading:
        with self.shelf.lock:
            found = {}
            for external_id in set(ids) & self.shelf.boxes.keys():
                self.shelf.boxes[external_id].looks -= 1
                found[external_id] = self.tell(external_id)
            return Reading(found=found, gone=frozenset(ids) - found.keys())

    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        return next((one for one in self.list() if one.ownership and one.ownership.token == owner.token), None)

    def update(self, external_id: str, update: Update) -> Observation:
        with self.shelf.lock:
            if external_id not in self.shelf.boxes:
                raise oc.NotFoundError(f"no {external_id}")
            wanted = self.wanted(update.after)
            self.shelf.boxes[external_id].inputs.update({name: wanted[name] for name in update.changed})
            return self.tell(external_id)

    def delete(self, external_id: str) -> None:
        with self.shelf.lock:
            self.shelf.boxes.pop(external_id, None)

    def list(self) -> Iterator[Observation]:
        with self.shelf.lock:
            yield from [self.tell(external_id) for external_id in self.shelf.boxes]

    def choose(self, name: str, wanted: Mapping[str, Plain]) -> str:
        if name != "volume":
            raise oc.ChoiceError(f"no portable choice for {name!r}")
        return "small" if wanted.get("cpus") == 1 else "large"

    def tell(self, external_id: str) -> Observation:
        box = self.shelf.boxes[external_id]
        content = checks.content_digest(box.inputs["content"])
        told = {**box.inputs, "volume": {"id": box.inputs["volume"]}, "content": content}
        return Observation(
            external_id=external_id,
            status=Status.PENDING if box.looks > 0 else Status.READY,
            inputs={**told, "words": checks.sorted_texts(told["words"])},
            outputs={"mass": box.inputs["weight"] * 2, "label": None},
            ownership=box.owner,
        )


class Unreachable(Boxes):
    """Its shelf can't be reached."""

    def _fail(self, *given: object) -> Any:
        raise oc.TransientError("no connection", sent=False)

    create = observe = find = update = delete = list = _fail  # type: ignore[assignment]


# -- and now the wrong ones, under the rule that they break

WRONG: dict[str, list[type[Boxes]]] = {}
"""By rule: providers that break it."""

UNREACHABLE: list[type[Unreachable]] = []
"""What takes a failure for an answer."""


def breaks(rule: str) -> Callable[[type[Boxes]], type[Boxes]]:
    def put(cls: type[Boxes]) -> type[Boxes]:
        WRONG.setdefault(rule, []).append(cls)
        return cls

    return put


@breaks("creates")
class OfAnotherKind(Boxes):
    kind = "shelf.Bax"


@breaks("creates")
class RaisesWhatItLikes(Boxes):
    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        raise KeyError("volume")


@breaks("creates")
class ReturnsNothing(Boxes):
    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        super().create(inputs, owner)
        return None  # type: ignore[return-value]


@breaks("creates")
class LosesAddresses(Boxes):
    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        return super().create(inputs, attrs.evolve(owner, address=owner.address.replace('"', "")))


@breaks("becomes ready")
class NeverReady(Boxes):
    def tell(self, external_id: str) -> Observation:
        return attrs.evolve(super().tell(external_id), status=Status.PENDING)


@breaks("becomes ready")
class HasItsOwnWords(Boxes):
    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        return attrs.evolve(super().create(inputs, owner), status="ok")


@breaks("becomes ready")
class AlwaysFails(Boxes):
    def tell(self, external_id: str) -> Observation:
        return attrs.evolve(super().tell(external_id), status=Status.FAILED, detail="no room")


@breaks("same token")
class IgnoresTokens(Boxes):
    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        external_id = f"box-{next(self.shelf.numbers)}"
        self.shelf.boxes[external_id] = Kept(self.wanted(inputs), owner)
        return self.tell(external_id)


@breaks("same token")
class ForgetsTokensOnceReady(Boxes):
    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        for external_id, box in self.shelf.boxes.items():
            if box.owner == owner and box.looks > 0:
                return self.tell(external_id)
        return IgnoresTokens.create(self, inputs, owner)  # type: ignore[arg-type]


@breaks("same token")
class DoublesBehindTheScenes(Boxes):
    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        self.shelf.boxes[f"box-{next(self.shelf.numbers)}"] = Kept(self.wanted(inputs), owner)
        return super().create(inputs, owner)


@breaks("other token")
class GoesByDeployment(Boxes):
    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        return super().create(inputs, attrs.evolve(owner, token=owner.deployment))


@breaks("each id once")
class TellsThingsTwice(Boxes):
    def observe(self, ids: Sequence[str]) -> Reading:
        reading = super().observe(ids)
        return attrs.evolve(reading, unread=dict.fromkeys(reading.gone, oc.NotFoundError("gone")))


@breaks("each id once")
class TellsMoreThanAsked(Boxes):
    def observe(self, ids: Sequence[str]) -> Reading:
        return super().observe([*ids, *self.shelf.boxes])


@breaks("each id once")
class MixesThemUp(Boxes):
    def observe(self, ids: Sequence[str]) -> Reading:
        reading = super().observe(ids)
        if not reading.gone:
            return reading
        return attrs.evolve(
            reading, found={key: attrs.evolve(one, external_id="box-0") for key, one in reading.found.items()}
        )


@breaks("each id once")
class ForgetsSome(Boxes):
    def observe(self, ids: Sequence[str]) -> Reading:
        reading = super().observe(ids)
        return attrs.evolve(reading, found={}) if len(ids) > 2 else reading


@breaks("unknown is gone")
class RaisesForUnknown(Boxes):
    def observe(self, ids: Sequence[str]) -> Reading:
        reading = super().observe(ids)
        if reading.gone:
            raise oc.NotFoundError("no such box")
        return reading


@breaks("unknown is gone")
class CallsTheUnknownUnread(Boxes):
    def observe(self, ids: Sequence[str]) -> Reading:
        reading = super().observe(ids)
        return Reading(found=reading.found, unread=dict.fromkeys(reading.gone, oc.TransientError("?")))


@breaks("gone behind its back")
class Remembers(Boxes):
    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf)
        self.seen: dict[str, Observation] = {}

    def observe(self, ids: Sequence[str]) -> Reading:
        reading = super().observe(ids)
        self.seen.update({key: one for key, one in reading.found.items() if one.status is Status.READY})
        known = {one: self.seen[one] for one in ids if one in self.seen}
        return Reading(found={**reading.found, **known}, gone=reading.gone - known.keys())

    def delete(self, external_id: str) -> None:
        super().delete(external_id)
        self.seen.pop(external_id, None)


@breaks("found by token")
class FindsNothing(Boxes):
    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        return None


@breaks("found by token")
class FindsSomethingElse(Boxes):
    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        found = super().find(owner, inputs)
        return attrs.evolve(found, external_id="box-0") if found else None


@breaks("not found is None")
class FindsTheFirst(Boxes):
    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        return next(iter(self.list()), None)


@breaks("not found is None")
class RaisesWhenNotFound(Boxes):
    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        found = super().find(owner, inputs)
        if found is None:
            raise oc.NotFoundError("no such box")
        return found


@breaks("listed")
class ListsNothing(Boxes):
    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        return next((one for one in Boxes.list(self) if one.ownership == owner), None)

    def list(self) -> Iterator[Observation]:
        yield from ()


@breaks("listed")
class ListsWithoutOwners(Boxes):
    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        return next((one for one in Boxes.list(self) if one.ownership == owner), None)

    def list(self) -> Iterator[Observation]:
        return (attrs.evolve(one, ownership=None) for one in super().list())


@breaks("listed")
class ListsTwice(Boxes):
    def list(self) -> Iterator[Observation]:
        return itertools.chain(super().list(), super().list())


@breaks("outputs")
class LeavesOutputsOut(Boxes):
    def list(self) -> Iterator[Observation]:
        return (attrs.evolve(one, outputs={"mass": 1}) for one in super().list())


@breaks("outputs")
class TellsOutputsAsText(Boxes):
    def tell(self, external_id: str) -> Observation:
        return attrs.evolve(super().tell(external_id), outputs={"mass": "2", "label": None})


@breaks("outputs")
class TellsFurtherOutputs(Boxes):
    def tell(self, external_id: str) -> Observation:
        return attrs.evolve(super().tell(external_id), outputs={"mass": 2, "label": None, "colour": "red"})


def telling(**inputs: Any) -> Callable[[Boxes, str], Observation]:
    """A `Boxes.tell` with other inputs."""

    def tell(self: Boxes, external_id: str) -> Observation:
        told = Boxes.tell(self, external_id)
        return attrs.evolve(told, inputs={**told.inputs, **inputs})

    return tell


@breaks("inputs")
class TellsUnknownInputs(Boxes):
    tell = telling(colour="red")  # type: ignore[assignment]


@breaks("inputs")
class TellsChoicesAsText(Boxes):
    tell = telling(volume="small")  # type: ignore[assignment]


@breaks("inputs")
class TellsSetsInAnyOrder(Boxes):
    tell = telling(words=["one", "two", "one"])  # type: ignore[assignment]


@breaks("inputs")
class TellsNumbersAsText(Boxes):
    tell = telling(weight="1")  # type: ignore[assignment]


@breaks("inputs")
class TellsContentWhereADigestIsKept(Boxes):
    tell = telling(content="hello")  # type: ignore[assignment]


@breaks("update")
class ChangesNothing(Boxes):
    def update(self, external_id: str, update: Update) -> Observation:
        return self.tell(external_id)


@breaks("update")
class ChangesMoreThanAsked(Boxes):
    def update(self, external_id: str, update: Update) -> Observation:
        super().update(external_id, update)
        self.shelf.boxes[external_id].inputs["words"] = []
        return self.tell(external_id)


@breaks("update")
class UpdatesIntoAnother(Boxes):
    def update(self, external_id: str, update: Update) -> Observation:
        return attrs.evolve(super().update(external_id, update), external_id="box-0")


@breaks("update again")
class UpdatesOnce(Boxes):
    def update(self, external_id: str, update: Update) -> Observation:
        wanted = self.wanted(update.after)
        if all(self.shelf.boxes[external_id].inputs[name] == wanted[name] for name in update.changed):
            raise oc.ConflictError("it is so already")
        return super().update(external_id, update)


@breaks("update again")
class AddsEachTime(Boxes):
    def update(self, external_id: str, update: Update) -> Observation:
        before = update.before.values.get("weight")
        if "weight" not in update.changed or not isinstance(before, int):
            return super().update(external_id, update)
        self.shelf.boxes[external_id].inputs["weight"] += update.after.integer("weight") - before
        return self.tell(external_id)


@breaks("delete twice")
class DeletesOnce(Boxes):
    def delete(self, external_id: str) -> None:
        if external_id not in self.shelf.boxes:
            raise oc.NotFoundError("no such box")
        super().delete(external_id)


@breaks("delete twice")
class DeletesNever(Boxes):
    def delete(self, external_id: str) -> None:
        pass


@breaks("many threads")
class BelongsToOneThread(Boxes):
    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf)
        self.thread = threading.get_ident()

    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        if threading.get_ident() != self.thread:
            raise RuntimeError("made in another thread")
        return super().create(inputs, owner)


@breaks("many threads")
class RemembersTheLast(Boxes):
    """Two threads that come at once both get what the later one made."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf)
        self.thread = threading.get_ident()
        self.both = threading.Barrier(6)
        self.last = ""

    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        self.last = super().create(inputs, owner).external_id
        if threading.get_ident() != self.thread:
            self.both.wait(timeout=30)
        return self.tell(self.last)


@breaks("choices")
class ChoosesByTheWeather(Boxes):
    def choose(self, name: str, wanted: Mapping[str, Plain]) -> str:
        super().choose(name, wanted)
        return f"size-{next(self.shelf.numbers)}"


@breaks("choices")
class ChoosesAnything(Boxes):
    def choose(self, name: str, wanted: Mapping[str, Plain]) -> str:
        return "small"


@breaks("choices")
class RaisesKeyErrors(Boxes):
    def choose(self, name: str, wanted: Mapping[str, Plain]) -> str:
        return {"volume": "small"}[name]


def _out(cls: type[Unreachable]) -> type[Unreachable]:
    UNREACHABLE.append(cls)
    return cls


@_out
class TakesFailureForGone(Unreachable):
    def observe(self, ids: Sequence[str]) -> Reading:
        return Reading(gone=frozenset(ids))


@_out
class ForgetsWhatFailed(Unreachable):
    def observe(self, ids: Sequence[str]) -> Reading:
        return Reading()


@_out
class ListsNothingOnFailure(Unreachable):
    def list(self) -> Iterator[Observation]:
        yield from ()


@_out
class FindsNothingOnFailure(Unreachable):
    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        return None


@_out
class DeletesNothingOnFailure(Unreachable):
    def delete(self, external_id: str) -> None:
        return None


@_out
class RaisesWhatTheNetworkRaises(Unreachable):
    def observe(self, ids: Sequence[str]) -> Reading:
        raise ConnectionResetError("by peer")


@_out
class FindRaisesWhatTheNetworkRaises(Unreachable):
    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        raise ConnectionResetError("by peer")
