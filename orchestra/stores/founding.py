"""Making the tables of a new database, telling whether one can be read, and entering a new deployment."""

from __future__ import annotations

from orchestra.errors import CorruptStateError, StateVersionError
from orchestra.state.integrity import EMPTY, RESTORE, damaged, plus, row_digest, total_of
from orchestra.stores import schema
from orchestra.stores.rows import Execute, Head, write_head


def create_tables(execute: Execute) -> None:
    """Make the tables in an empty database."""
    for statement in schema.CREATE:
        execute(statement, ())
    execute(schema.PUT_META, (schema.META_VERSION, str(schema.VERSION)))
    execute(schema.PUT_META, (schema.META_TOTAL, EMPTY))


def found_version(execute: Execute, where: str) -> int:
    """The version of the schema, this orchestra's or an older one that `upgrades` knows.

    Raises `StateVersionError` for a newer one, `CorruptStateError` if it can't be told.
    """
    found = execute(schema.SELECT_META, (schema.META_VERSION,)).fetchone()
    version = str(found[0]) if found else ""
    if not (version.isascii() and version.isdigit()) or int(version) < 1:
        raise CorruptStateError(f"{where} is damaged: it tells no version of its own", remedy=RESTORE)
    if int(version) > schema.VERSION:
        raise StateVersionError(
            f"{where} was written by a newer orchestra: it has version {version}, this orchestra reads up to "
            f"version {schema.VERSION}; nothing was changed",
            remedy="update orchestra, or use the one that wrote it",
        )
    return int(version)


def enter_deployment(execute: Execute, deployment: str, *, where: str, for_update: str) -> None:
    """Write the row of ``deployment`` if there is none yet; inside a transaction that writes.

    That a deployment isn't there is believed only if all that ever were are: its row may have been damaged.
    """
    found = execute(f"{schema.SELECT_META}{for_update}", (schema.META_TOTAL,)).fetchone()  # before the names are read
    names = [str(row[0]) for row in execute(schema.SELECT_NAMES, ()).fetchall()]
    if deployment in names:
        return
    total = total_of(_name_digest(name) for name in names)
    if found is None or found[0] != total:
        raise damaged("its row is missing, or that of another deployment is", where=where, deployment=deployment)
    write_head(execute, deployment, Head.fresh())
    execute(schema.PUT_META, (schema.META_TOTAL, plus(total, _name_digest(deployment))))


def _name_digest(deployment: str) -> str:
    return row_digest(schema.DEPLOYMENTS.name, deployment)
