"""Another key for a deployment: what secrets are kept under goes on under it, or is drawn anew."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from orchestra.engine.keyring import Keyring, is_locked
from orchestra.engine.live import Live
from orchestra.engine.office import Office, OpenRun, writing
from orchestra.engine.roots import opened_root, wrapped_root
from orchestra.errors import PlanError, StateError
from orchestra.model.concealing import Concealer
from orchestra.model.declaration import Declaration
from orchestra.model.values import Revealed, Sealed, Value, Values, leaves
from orchestra.planning.inputs import place_of
from orchestra.state.audit import AuditEntry, AuditEvent
from orchestra.state.records import Record, Snapshot

_ROOT: Final = 32


@attrs.frozen(kw_only=True)
class Rotation:
    """What came of a change of the key.

    ``renewed``: everything that is derived is derived from something new. ``not_renewed`` are the secret inputs
    whose value isn't known any more, so that their digest couldn't be made anew: the next plan shows them as changed.
    """

    renewed: bool
    not_renewed: tuple[str, ...] = ()


@attrs.frozen(kw_only=True, eq=False)
class Rotating:
    """What a change of the key takes: the stack, the key so far and the new one."""

    declaration: Declaration
    concealer: Concealer
    old: Revealed | None
    new: Revealed
    renew: bool


def rotate(rotating: Rotating, office: Office) -> Rotation:
    """Change the key, in one transaction. Raises `PlanError` where there is nothing to keep, and `StateError`."""
    with writing(office, "rotate_key", check=_settled) as session:
        snapshot = session.snapshot
        root = opened_root(rotating.old, snapshot)
        records: list[Record] = []
        lost: list[str] = []
        if rotating.renew:
            before, root = root, secrets.token_bytes(_ROOT)
            records, lost = _renewed(rotating, snapshot, before, root)
        elif root is None:
            raise PlanError(
                "the deployment has had no key so far, so there is nothing that could go on under another",
                remedy="rotate_key(…, renew=True) begins with a key",
            )
        _write(session, office, rotating, records, wrapped_root(root, rotating.new, snapshot))
    return Rotation(renewed=rotating.renew, not_renewed=tuple(lost))


def _settled(snapshot: Snapshot) -> None:
    if snapshot.pending:
        raise StateError("an interrupted run left calls open", remedy="recover() first: it settles them")


def _write(session: OpenRun, office: Office, rotating: Rotating, records: list[Record], root: str) -> None:
    at = office.clock.now()
    outcomes = [session.noting(record, at, detail="secrets kept under another key") for record in records]
    entry = AuditEntry(
        event=AuditEvent.KEY_ROTATED,
        at=at,
        by=session.run.by,
        run=session.run.id,
        detail="renewed" if rotating.renew else "kept under another key",
    )
    office.store.rekey(session.tenancy.lease, root, outcomes, entry)


def _renewed(
    rotating: Rotating, snapshot: Snapshot, before: bytes | None, after: bytes
) -> tuple[list[Record], list[str]]:
    """The records that change when all is derived from ``after``, and the inputs that can't be brought along."""
    old = Keyring(before, snapshot.salt, snapshot.deployment, rotating.concealer)
    new = Keyring(after, snapshot.salt, snapshot.deployment, rotating.concealer)
    live = Live(rotating.declaration, old, snapshot.records)
    # by their digests, so that it doesn't matter where in an input a value stands
    known = {
        old.seal(leaf).digest: new.seal(leaf)
        for value in live.secret_values()
        for leaf in leaves(value)
        if isinstance(leaf, Revealed)
    }
    records: list[Record] = []
    lost: list[str] = []
    for record in (*snapshot.records.values(), *snapshot.deposed):
        kept = {**record.inputs, "replace_on": record.triggers}
        lost += (f"{record.address}: {name}" for name in _unknown(kept, known))
        changed = attrs.evolve(
            record,
            inputs={name: _resealed(value, known) for name, value in record.inputs.items()},
            triggers=_resealed(record.triggers, known),
            outputs=_relocked(record, old, new),
        )
        if changed != record:
            records.append(changed)
    return records, lost


def _unknown(kept: Values, known: Mapping[str, Sealed]) -> Iterator[str]:
    for name, value in kept.items():
        if any(isinstance(leaf, Sealed) and leaf.digest not in known for leaf in leaves(value)):
            yield name


def _resealed(value: Value, known: Mapping[str, Sealed]) -> Value:
    if isinstance(value, Mapping):
        return {key: _resealed(item, known) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_resealed(item, known) for item in value]
    return known.get(value.digest, value) if isinstance(value, Sealed) else value


def _relocked(record: Record, old: Keyring, new: Keyring) -> Values:
    """Raises `StateError` for what can't be opened."""
    outputs: dict[str, Value] = {}
    for name, value in record.outputs.items():
        place = place_of(record.kind, record.outputs.get("id"), name)
        is_encrypted = any(map(is_locked, leaves(value)))
        outputs[name] = new.lock(old.open_value(value, place), place) if is_encrypted else value
    return outputs
