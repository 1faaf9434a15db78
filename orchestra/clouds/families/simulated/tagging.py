"""Tags on what is there already, as calls of the simulated drivers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from orchestra.clouds.families.simulated.endpoint import InProcess
from orchestra.clouds.families.simulated.kinds import Body, Kind
from orchestra.clouds.families.simulated.refusals import refusal
from orchestra.clouds.families.simulated.rows import Row, Rows, check_tags


class Tagging(InProcess):
    """The calls for tags on anything that a driver serves."""

    tagged: ClassVar[Sequence[Kind[Body]]] = ()
    """What the driver has tags on; ids start with the prefixes of these kinds."""

    def ex_create_tags(self, resource_id: str, tags: Mapping[str, str]) -> dict[str, str]:
        """Put tags on something, over what it has under the same keys; answers with all that it has now."""
        return self._retag("ex_create_tags", resource_id, lambda before: {**before, **tags})

    def ex_delete_tags(self, resource_id: str, keys: Sequence[str]) -> dict[str, str]:
        """Take the tags with these keys off; answers with all that it still has."""
        return self._retag(
            "ex_delete_tags",
            resource_id,
            lambda before: {key: value for key, value in before.items() if key not in keys},
        )

    def _retag(
        self, action: str, resource_id: str, change: Callable[[dict[str, str]], dict[str, str]]
    ) -> dict[str, str]:
        with self._write(action, resource_id) as rows:
            row = self._tagged_row(rows, resource_id)
            row.body["tags"] = change(row.body["tags"])
            check_tags(row.body["tags"])
            rows.save(row)
            return row.body["tags"]

    def _tagged_row(self, rows: Rows, resource_id: str) -> Row[Body]:
        prefix = resource_id.rpartition("-")[0]
        for kind in self.tagged:
            if kind.prefix == prefix:
                return rows.get(kind, resource_id)
        raise refusal("InvalidID.NotFound", f"the resource '{resource_id}' does not exist")
