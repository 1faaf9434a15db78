"""A kind that costs its cloud nothing, as ``terraform_data`` does, so that what is measured is orchestra itself."""

from __future__ import annotations

import marshal
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from shapes import Shape

import orchestra as oc
from orchestra.contracts import Capabilities, Inputs, Observation, Ownership, Reading, Update
from orchestra.errors import ChoiceError
from orchestra.model.values import Plain

CIDR: Final = "10.0.0.0/16"
SIZE: Final = "t3.small"


class Part(oc.Resource, kind="bench.Part"):
    """Keeps what it is given and tells it again, as ``terraform_data`` does."""

    name: str = oc.input_field(doc="Its name.")
    cidr: str = oc.input_field(default=CIDR, doc="Some text.")
    size: str = oc.input_field(default=SIZE, doc="Some text.")
    net: str | oc.Ref[str] = oc.input_field(default="", doc="The ids of the parts that it uses, with commas between.")

    output = oc.output_field(dict, doc="Its inputs.", changed_by=("name", "cidr", "size", "net"))


class Parts(oc.Stack):
    """``count`` parts that use each other as ``shape`` says."""

    count: int = oc.parameter(minimum=1)
    shape: Shape = Shape.GROUPS

    def build(self) -> None:
        parts: list[Part] = []
        for index in range(self.count):
            used = [parts[other].id for other in self.shape.uses(index, self.count)]
            parts.append(Part(name=f"r{index}", net=oc.Ref.all(used).map(",".join) if used else ""))
        self.parts = parts


class PartCloud:
    """Holds parts in memory; ``path`` is a file that `planted.plant` wrote, read at the first call. Counts its calls.

    The file is in Python's own form: to read it is to take next to none of the time, as a cloud's work takes none.
    """

    name = "bench"

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._parts: dict[str, Mapping[str, Plain]] | None = None if path else {}
        self._lock = threading.Lock()
        self.calls = 0
        self._provider = PartProvider(self)

    def provider(self, kind: str) -> PartProvider | None:
        """See `contracts.Cloud.provider`."""
        return self._provider if kind == Part.kind.name else None

    def verify(self) -> None:
        """See `contracts.Cloud.verify`."""

    def parts(self) -> dict[str, Mapping[str, Plain]]:
        """The inputs of every part, by id; counts as a call."""
        with self._lock:
            self.calls += 1
            if self._parts is None and self._path is not None:
                self._parts = marshal.loads(self._path.read_bytes())
            return self._parts if self._parts is not None else {}


class PartProvider:
    """See `contracts.Provider`."""

    kind = Part.kind.name
    capabilities = Capabilities()

    def __init__(self, cloud: PartCloud) -> None:
        self._cloud = cloud

    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        """See `contracts.Provider.create`."""
        external_id = str(uuid.UUID(owner.token))
        kept: dict[str, Any] = dict(inputs.values)
        self._cloud.parts()[external_id] = kept
        return _told(external_id, kept)

    def observe(self, ids: Sequence[str]) -> Reading:
        """See `contracts.Provider.observe`."""
        parts = self._cloud.parts()
        found = {one: _told(one, parts[one]) for one in ids if one in parts}
        return Reading(found=found, gone=frozenset(ids) - found.keys())

    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `contracts.Provider.find`."""
        external_id = str(uuid.UUID(owner.token))
        kept = self._cloud.parts().get(external_id)
        return None if kept is None else _told(external_id, kept)

    def update(self, external_id: str, update: Update) -> Observation:
        """See `contracts.Provider.update`."""
        kept: dict[str, Any] = dict(update.after.values)
        self._cloud.parts()[external_id] = kept
        return _told(external_id, kept)

    def delete(self, external_id: str) -> None:
        """See `contracts.Provider.delete`."""
        self._cloud.parts().pop(external_id, None)

    def list(self) -> Iterator[Observation]:
        """See `contracts.Provider.list`."""
        for external_id, kept in list(self._cloud.parts().items()):
            yield _told(external_id, kept)

    def choose(self, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `contracts.Provider.choose`."""
        raise ChoiceError(f"{self.kind} has no portable choice {name!r}")


def _told(external_id: str, kept: Mapping[str, Plain]) -> Observation:
    return Observation(external_id=external_id, inputs=kept, outputs={"output": kept})
