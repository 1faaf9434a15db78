"""Lists of the simulated world: which things, a page at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from orchestra.clouds.families.simulated.kinds import B, Kind
from orchestra.clouds.families.simulated.rows import Row, Rows

_OF_KIND: Final = "SELECT * FROM objects WHERE kind = ? AND region = ? AND number > ? ORDER BY number LIMIT ?"
_IN_PARENT: Final = (
    "SELECT * FROM objects WHERE parent = ? AND kind = ? AND region = ? AND number > ? ORDER BY number LIMIT ?"
)
_OF_DEPLOYMENT: Final = (
    "SELECT * FROM objects WHERE deployment = ? AND kind = ? AND region = ? AND number > ? ORDER BY number LIMIT ?"
)
_MADE_UNDER: Final = (
    "SELECT * FROM objects WHERE token = ? AND kind = ? AND region = ? AND number > ? ORDER BY number LIMIT ?"
)
# the plus signs keep SQLite from walking through the whole kind: ids and names are found one by one
_BY_IDS: Final = (
    "SELECT * FROM objects WHERE id IN (SELECT value FROM json_each(?)) AND +kind = ? AND +region = ?"
    " AND +number > ? ORDER BY +number LIMIT ?"
)
_BY_NAMES: Final = (
    "SELECT * FROM objects WHERE parent = ? AND name IN (SELECT value FROM json_each(?))"
    " AND kind = ? AND region = ? AND +number > ? ORDER BY +number LIMIT ?"
)


@attrs.frozen(kw_only=True)
class Filter:
    """Which things to list. None: all; ``names`` only together with ``parent``, ``parent`` with nothing else."""

    ids: Sequence[str] | None = None
    names: Sequence[str] | None = None
    parent: str | None = None
    token: str | None = None
    deployment: str | None = None

    def pages(self, size: int) -> Iterator[Filter]:
        """Filters that ask for at most ``size`` ids or names each."""
        wanted = self.ids if self.ids is not None else self.names
        if wanted is None:
            yield self
            return
        for start in range(0, len(wanted), size):
            chunk = wanted[start : start + size]
            yield attrs.evolve(self, ids=chunk) if self.ids is not None else attrs.evolve(self, names=chunk)


@attrs.frozen
class Page:
    """One page of a list: records as they are kept. ``after`` is where the next page starts; None: there is none."""

    records: Sequence[Sequence[object]]
    after: int | None


def page(rows: Rows, kind: Kind[B], wanted: Filter, after: int, size: int) -> Page:
    """The page of things of ``kind`` made after number ``after``, in order of creation."""
    tail = (kind.name, rows.region_of(kind), after, size + 1)  # one more tells whether there is a next page
    if wanted.ids is not None:
        query: tuple[str, tuple[object, ...]] = _BY_IDS, (json.dumps(list(wanted.ids)), *tail)
    elif wanted.names is not None:
        query = _BY_NAMES, (wanted.parent, json.dumps(list(wanted.names)), *tail)
    elif wanted.parent is not None:
        query = _IN_PARENT, (wanted.parent, *tail)
    elif wanted.token is not None:
        query = _MADE_UNDER, (wanted.token, *tail)
    elif wanted.deployment is not None:
        query = _OF_DEPLOYMENT, (wanted.deployment, *tail)
    else:
        query = _OF_KIND, tail
    records = rows.connection.execute(*query).fetchall()
    return Page(records[:size], records[size - 1][0] if len(records) > size else None)


def told(rows: Rows, kind: Kind[B], records: Sequence[Sequence[object]], lag: float) -> list[Row[B]]:
    """The things behind ``records`` as they look to a reader who is ``lag`` seconds behind."""
    return [row for record in records if (row := rows.decoded(kind, record, lag)) is not None]
