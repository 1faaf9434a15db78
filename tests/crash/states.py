"""Where the state of each folder is kept."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

from tests.crash.processes import told


class States(Protocol):
    """A state for each of several folders."""

    def found(self, folder: Path) -> None:
        """Make an empty one."""

    def copy(self, template: Path, folder: Path) -> None:
        """Make the state of ``folder`` what that of ``template`` is. The folders are copied already."""

    def url(self, folder: Path) -> str:
        """What a deployment is told."""


class FileStates:
    """A file of SQLite in the folder."""

    def found(self, folder: Path) -> None:
        """It is made when it is opened."""

    def copy(self, template: Path, folder: Path) -> None:
        """It was copied with its folder."""

    def url(self, folder: Path) -> str:
        return f"sqlite:///{folder / 'state.db'}"


class PostgresStates:
    """A schema for each folder in the database at ``url``, which says nothing of schemas itself."""

    def __init__(self, url: str) -> None:
        self._url: Final = url
        importlib.import_module("orchestra.stores.postgresql")  # what is loaded here is not loaded by each process

    def found(self, folder: Path) -> None:
        self._execute(f"DROP SCHEMA IF EXISTS {_schema(folder)} CASCADE", f"CREATE SCHEMA {_schema(folder)}")

    def copy(self, template: Path, folder: Path) -> None:
        old, new = _schema(template), _schema(folder)
        self.found(folder)
        self._execute(
            f"DO $$ DECLARE one text; BEGIN FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = '{old}' LOOP "
            f"EXECUTE format('CREATE TABLE {new}.%I (LIKE {old}.%I INCLUDING ALL)', one, one); "
            f"EXECUTE format('INSERT INTO {new}.%I SELECT * FROM {old}.%I', one, one); END LOOP; END $$"
        )

    def url(self, folder: Path) -> str:
        return f"{self._url}?options={quote(f'-csearch_path={_schema(folder)}')}"

    def _execute(self, *statements: str) -> None:
        told(lambda: self._executed(statements), "a schema could not be made")

    def _executed(self, statements: tuple[str, ...]) -> str:
        import psycopg  # an extra

        with psycopg.connect(self._url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
        return ""


def _schema(folder: Path) -> str:
    return f"crash_{folder.name}".replace("-", "_")
