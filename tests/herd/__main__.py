"""Have many processes apply one deployment at once, refused and waiting, and count what comes of it.

``python -m tests.herd --processes 100`` does it on SQLite and on a PostgreSQL server of its own, and prints a Markdown
table. ``--state URL`` does it on that state alone, which must be new. The exit status is 1 if anything is not as it
should be.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.herd.running import PATIENCE, Ground, Result, herd, warm_up
from tests.stores.server import PostgresServer, programs

FOLDER = next((folder for folder in ("/dev/shm",) if Path(folder).is_dir()), None)
HEADER = "| store | processes | asked to wait | applied | refused | failed | faults | seconds |"


def row(store: str, number: int, waits: bool, result: Result) -> str:
    """One line of the table."""
    cells = (
        store,
        number,
        "yes" if waits else "no",
        result.done,
        len(result.locked),
        len(result.failed),
        len(result.faults),
    )
    return f"| {' | '.join(map(str, cells))} | {result.seconds:.1f} |"


def played(number: int, state: str) -> bool:
    """Play both on one store, a new file if ``state`` is empty; whether all is well."""
    is_well, store = True, "PostgreSQL" if state else "SQLite"
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        for waits, name in ((False, "refused"), (True, "waiting")):
            ground = Ground(
                name=name, state=state or f"sqlite:///{folder}/{name}.db", cloud=Path(folder) / f"{name}-cloud.db"
            )
            result = herd(ground, number, lock_timeout=PATIENCE if waits else 0.0)
            wanted = (number, 0) if waits else (1, number - 1)
            is_well &= (result.done, len(result.locked)) == wanted and not (result.failed or result.faults)
            print(row(store, number, waits, result), flush=True)
            for text in (*result.failed, *result.faults, *result.locked[:1]):
                print(text, file=sys.stderr)
    return is_well


def on_a_server(number: int) -> bool:
    """Play both on a PostgreSQL server, from a process that has no thread to read what the server says."""
    folder = programs()
    if folder is None:
        print("PostgreSQL is not installed", file=sys.stderr)
        return True
    server = PostgresServer(folder)
    try:
        server.start()
        command = [sys.executable, "-m", "tests.herd", "--processes", str(number), "--state", server.new_url()]
        return subprocess.run(command, check=False).returncode == 0
    finally:
        server.remove()


def main() -> int:
    """Play, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--state", help="a new PostgreSQL database, or '' for a new file; default: one after the other")
    arguments = parser.parse_args()
    if arguments.state is None:
        print(HEADER + "\n" + "|---" * 8 + "|", flush=True)
    warm_up()
    if arguments.state is not None:
        return 0 if played(arguments.processes, arguments.state) else 1
    is_well = played(arguments.processes, "")
    return 0 if on_a_server(arguments.processes) and is_well else 1


if __name__ == "__main__":
    sys.exit(main())
