"""What one call reads and writes in the simulated world."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Generic, cast

import attrs

from orchestra.clouds.families.simulated.behaviour import Behaviour
from orchestra.clouds.families.simulated.kinds import B, Kind
from orchestra.clouds.families.simulated.refusals import refusal
from orchestra.contracts import Ownership

_INSERT: Final = (
    "INSERT INTO objects (id, kind, region, parent, name, token, deployment, body, written)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE: Final = (
    "UPDATE objects SET before = CASE WHEN ? = 0.0 THEN NULL WHEN written + ? > ? THEN before ELSE body END,"
    " body = ?, written = ? WHERE number = ?"
)
_EXPIRE: Final = (
    "UPDATE objects SET before = CASE WHEN written + ? > ? THEN before ELSE body END,"
    " body = ?, written = ?, expires = ?, name = NULL, token = NULL WHERE number = ?"
)
# the plus signs say which index to take: ids are found one by one, without walking through the whole kind
_BY_ID: Final = "SELECT * FROM objects WHERE id = ? AND +kind = ? AND +region = ?"
_BY_NAME: Final = "SELECT * FROM objects WHERE kind = ? AND region = ? AND parent = ? AND name = ?"
_MADE_UNDER: Final = "SELECT * FROM objects WHERE kind = ? AND region = ? AND token = ?"
_COUNT: Final = (
    "SELECT COUNT(*) FROM"
    " (SELECT 1 FROM objects WHERE kind = ? AND region = ? AND (expires IS NULL OR expires > ?) LIMIT ?)"
)
_NEWEST_CHILD: Final = "SELECT * FROM objects WHERE parent = ? AND kind = ? ORDER BY number DESC LIMIT 1"
_USERS: Final = (
    "SELECT id FROM objects WHERE parent = ? AND (expires IS NULL OR expires > ?)"
    " UNION ALL SELECT id FROM uses JOIN objects ON number = user"
    " WHERE used = ? AND blocks AND +id <> ? AND (expires IS NULL OR expires > ?) LIMIT 4"
)
_LINKED: Final = (
    "SELECT objects.* FROM uses JOIN objects ON number = user"
    " WHERE used = ? AND role = ? AND (expires IS NULL OR expires > ?)"
)
_RELEASES: Final = (
    "DELETE FROM uses WHERE user = ?",
    "DELETE FROM spans WHERE owner = ?",
    "DELETE FROM addresses WHERE owner = ?",
    "DELETE FROM contents WHERE owner = ?",
)
_COUNTS: Final = (
    "SELECT kind, COUNT(*) FROM objects WHERE region IN (?, '') AND (expires IS NULL OR expires > ?) GROUP BY kind"
)
_ATTACHED: Final = (
    "SELECT COUNT(*) FROM uses JOIN objects ON number = user"
    " WHERE role = 'attachment' AND region = ? AND (expires IS NULL OR expires > ?)"
)


_Record = tuple[
    int, str, str, str, str, "str | None", "str | None", "str | None", str, "str | None", float, "float | None"
]
"""The columns of the table, in its order."""


@attrs.define
class Row(Generic[B]):
    """One thing in the world. Change its ``body`` and give it to `Rows.save`."""

    number: int
    id: str
    kind: Kind[B]
    parent: str
    token: str | None
    body: B


class Rows:
    """The rows, as one call sees them: at its time, in its region."""

    def __init__(self, connection: sqlite3.Connection, region: str, now: float, behaviour: Behaviour) -> None:
        self.connection = connection
        self.now = now
        self._region = region
        self._behaviour = behaviour

    def region_of(self, kind: Kind[B]) -> str:
        """Where things of ``kind`` are: '' for those that belong to no region."""
        return "" if kind.worldwide else self._region

    # what there is

    def find(self, kind: Kind[B], id_: str) -> Row[B] | None:
        """The one with ``id_``, as it really is."""
        return self._one(kind, _BY_ID, (id_, kind.name, self.region_of(kind)))

    def get(self, kind: Kind[B], id_: str | None) -> Row[B]:
        """The one with ``id_``, as it really is, or the error that it isn't there."""
        return (self.find(kind, id_) if id_ else None) or _missing(kind, id_)

    def named(self, kind: Kind[B], name: str, parent: str = "") -> Row[B] | None:
        """The one with ``name`` in ``parent``, as it really is."""
        return self._one(kind, _BY_NAME, (kind.name, self.region_of(kind), parent, name))

    def made_under(self, kind: Kind[B], token: str | None) -> Row[B] | None:
        """The one that was made under ``token``, as it really is."""
        return self._one(kind, _MADE_UNDER, (kind.name, self.region_of(kind), token)) if token else None

    def newest_in(self, kind: Kind[B], parent: str) -> Row[B] | None:
        """The one made last in ``parent``, as it really is."""
        return self._one(kind, _NEWEST_CHILD, (parent, kind.name))

    def linked(self, kind: Kind[B], used: str, role: str) -> list[Row[B]]:
        """Those that use ``used`` in ``role``."""
        found = self.connection.execute(_LINKED, (used, role, self.now)).fetchall()
        return [row for record in found if (row := self.decoded(kind, record, 0.0)) is not None]

    def users(self, id_: str) -> list[str]:
        """The ids of what keeps ``id_`` from being deleted: what is in it and what uses it; four at most."""
        return [found[0] for found in self.connection.execute(_USERS, (id_, self.now, id_, id_, self.now))]

    def look_up(self, kind: Kind[B], id_: str) -> Row[B]:
        """The one with ``id_`` as readers are told, or the error that it isn't there."""
        return self.told(kind, id_) or _missing(kind, id_)

    def told(self, kind: Kind[B], id_: str) -> Row[B] | None:
        """The one with ``id_`` as readers are told."""
        return self._as_told(kind, _BY_ID, (id_, kind.name, self.region_of(kind)))

    def look_up_named(self, kind: Kind[B], name: str, parent: str = "") -> Row[B] | None:
        """The one with ``name`` in ``parent`` as readers are told."""
        return self._as_told(kind, _BY_NAME, (kind.name, self.region_of(kind), parent, name))

    def decoded(self, kind: Kind[B], record: Sequence[object], lag: float) -> Row[B] | None:
        """``record`` as it looks to a reader who is ``lag`` seconds behind; None if to him it isn't there."""
        number, id_, _, _, parent, _, token, _, body, before, written, expires = cast(_Record, record)
        if lag and written + lag > self.now:
            return None if before is None else Row(number, id_, kind, parent, token, cast(B, json.loads(before)))
        if expires is not None and expires <= self.now:
            return None
        return Row(number, id_, kind, parent, token, cast(B, json.loads(body)))

    def _one(self, kind: Kind[B], statement: str, arguments: tuple[object, ...]) -> Row[B] | None:
        record = self.connection.execute(statement, arguments).fetchone()
        return self.decoded(kind, record, 0.0) if record else None

    def _as_told(self, kind: Kind[B], statement: str, arguments: tuple[object, ...]) -> Row[B] | None:
        record = self.connection.execute(statement, arguments).fetchone()
        return self.decoded(kind, record, self._behaviour.look_up_seconds) if record else None

    # what changes

    def add(
        self,
        kind: Kind[B],
        body: B,
        *,
        parent: str = "",
        name: str | None = None,
        token: str | None = None,
    ) -> Row[B]:
        """One more; refused above the quota. ``name`` is unique in ``parent``: look for it first."""
        region = self.region_of(kind)
        self._check_quota(kind, region)
        check_tags(body["tags"])
        id_ = f"{kind.prefix}-{secrets.token_hex(8)}"
        text = json.dumps(body, separators=(",", ":"))
        owner = Ownership.from_tags(body["tags"])
        cursor = self.connection.execute(
            _INSERT,
            (
                id_,
                kind.name,
                region,
                parent,
                name,
                token or None,
                owner.deployment if owner else None,
                text,
                self.now,
            ),
        )
        return Row(cast(int, cursor.lastrowid), id_, kind, parent, token, body)

    def save(self, row: Row[B]) -> None:
        """Keep the changed body of ``row``."""
        lag = self._behaviour.lag
        text = json.dumps(row.body, separators=(",", ":"))
        self.connection.execute(_UPDATE, (lag, lag, self.now, text, self.now, row.number))

    def put_content(self, row: Row[B], content: bytes) -> None:
        """Keep ``content`` beside ``row``."""
        self.connection.execute("INSERT OR REPLACE INTO contents (owner, content) VALUES (?, ?)", (row.number, content))

    def content(self, row: Row[B]) -> bytes:
        """What was kept beside ``row``."""
        found = self.connection.execute("SELECT content FROM contents WHERE owner = ?", (row.number,)).fetchone()
        return bytes(found[0]) if found else b""

    def remove(self, row: Row[B], *, linger: float = 0.0) -> None:
        """Delete ``row``: in ``linger`` seconds, until when it is there and uses what it used."""
        lag = self._behaviour.lag
        if not linger:
            for statement in _RELEASES:
                self.connection.execute(statement, (row.number,))
        if linger or lag:
            text = json.dumps(row.body, separators=(",", ":"))
            self.connection.execute(_EXPIRE, (lag, self.now, text, self.now, self.now + linger, row.number))
        else:
            self.connection.execute("DELETE FROM objects WHERE number = ?", (row.number,))
        self.connection.execute("DELETE FROM objects WHERE expires <= ?", (self.now - lag,))

    def use(self, row: Row[B], role: str, used: Iterable[str], *, blocks: bool = True) -> None:
        """``row`` uses these in ``role`` now, and no others. ``blocks``: they can't be deleted meanwhile."""
        self.connection.execute("DELETE FROM uses WHERE user = ? AND role = ?", (row.number, role))
        self.connection.executemany(
            "INSERT OR IGNORE INTO uses (user, role, used, blocks) VALUES (?, ?, ?, ?)",
            [(row.number, role, one, int(blocks)) for one in used],
        )

    def _check_quota(self, kind: Kind[B], region: str) -> None:
        limit = self._behaviour.quotas.get(kind.name)
        if limit is None:
            return
        found = self.connection.execute(_COUNT, (kind.name, region, self.now, limit)).fetchone()[0]
        if found >= limit:
            raise refusal(kind.limit, f"the limit of {limit} for {kind.noun}s is reached")


def check_tags(tags: Mapping[str, str]) -> None:
    """At most 50 tags, with keys of 1 to 128 and values of at most 256 characters."""
    if len(tags) > 50:
        raise refusal("TagLimitExceeded", f"at most 50 tags are possible, not {len(tags)}")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise refusal("InvalidParameterValue", f"tag {key!r} is too long, or its value is")


def count_everything(connection: sqlite3.Connection, region: str, now: float) -> dict[str, int]:
    """How many there really are of each kind, in ``region`` and outside of all; attachments count as a kind."""
    counts: dict[str, int] = dict(connection.execute(_COUNTS, (region, now)))
    attached = connection.execute(_ATTACHED, (region, now)).fetchone()[0]
    if attached:
        counts["compute.VolumeAttachment"] = attached
    return dict(sorted(counts.items()))


def _missing(kind: Kind[B], id_: str | None) -> Row[B]:
    raise refusal(kind.missing, f"the {kind.noun} '{id_ or ''}' does not exist")
