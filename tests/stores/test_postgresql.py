"""PostgreSQL: it keeps the contract, tells the same as the others, and says what is wrong with a server."""

from __future__ import annotations

import contextlib
import itertools
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

import orchestra as oc
from orchestra.contracts import Clock, Store
from orchestra.errors import (
    CorruptStateError,
    InternalError,
    LockedError,
    StateError,
    StateVersionError,
)
from orchestra.stores import open_store
from orchestra.stores.postgresql import PostgresDialect
from orchestra.stores.sql import SqlStore
from orchestra.testing import STORE_RULES, Checked, VirtualClock, check_store
from orchestra.testing.samples import ELSEWHERE, fill, intent, outcome, record, this_process, without_identity
from orchestra.testing.store_comparison import StoreComparison
from tests.memory_cloud import MemoryCloud
from tests.stores.openings import Places
from tests.stores.server import PASSWORD, SECRET, USER, PostgresServer
from tests.stores.test_constant_work import WRITES


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """That of a schema with nothing in it."""
    return postgres.new_url()


@contextlib.contextmanager
def opened(url: str, deployment: str = "production", clock: Clock | None = None) -> Iterator[Store]:
    with contextlib.closing(open_store(url, deployment=deployment, clock=clock or VirtualClock())) as store:
        yield store


def all_text(error: BaseException) -> str:
    """Everything that a report of ``error`` may show."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None:
        chain.append(following)
        following = following.__cause__ or following.__context__
    shown = [f"{one} {one!r} {one.args} {vars(one)}" for one in chain]
    return "\n".join([*shown, *traceback.format_exception(error)])


@pytest.mark.parametrize("rule", STORE_RULES)
def test_contract_is_kept(rule: str, postgres: PostgresServer) -> None:
    places = Places(postgres.new_url)
    assert check_store(places.make, reopen=places.reopen, rules=[rule]) == Checked((rule,))


def test_memory_sqlite_and_postgresql_tell_the_same(postgres: PostgresServer) -> None:
    with tempfile.TemporaryDirectory() as folder:
        numbers = itertools.count()

        class Comparison(StoreComparison):
            def __init__(self) -> None:
                self.places = (Path(folder, f"{next(numbers)}.db"), postgres.new_url())
                super().__init__()

            def open_others(self) -> list[Store]:
                return [open_store(place, deployment="production", clock=self.clock) for place in self.places]

        run_state_machine_as_test(Comparison, settings=settings(max_examples=12, stateful_step_count=30))


# -- how it is opened


def test_both_names_of_the_scheme_are_taken(url: str) -> None:
    with opened(url) as store:
        lineage = store.load().lineage
    with opened(url.replace("postgresql://", "postgres://")) as store:
        assert store.load().lineage == lineage


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "orchestra.stores.postgresql")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StateError) as caught:
        open_store("postgresql://127.0.0.1/state", deployment="production", clock=VirtualClock())
    assert str(caught.value) == (
        "the state can only be kept in PostgreSQL with the library psycopg, which isn't installed\n"
        "  to do: install orchestra-iac[postgres]"
    )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:/ann:hunter2@127.0.0.1/state",
        "postgresql://ann:hun@ter2@127.0.0.1/state",
        "postgresql://ann:hunter2/x@127.0.0.1/state",
        "postgresql://ann:12/hunter2@127.0.0.1/state",
        "postgresql://ann:hunter2@127.0.0.1:port/state",
        "postgresql://ann:hunter2@127.0.0.1/state?hunter2",
        "postgresql://ann:hunter2@[::1/state",
        "postgresql://ann:hunter2%@127.0.0.1/state",
    ],
)
def test_url_that_cannot_be_read_is_not_quoted(url: str) -> None:
    with pytest.raises(
        StateError, match=r"can't be read\n  to do: write postgresql://user@host:port/database"
    ) as caught:
        open_store(url, deployment="production", clock=VirtualClock())
    assert "hun" not in all_text(caught.value)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgresql://ann@db.example:5433/state", "'state' at db.example:5433"),
        ("postgresql://ann:hunter2@db.example", "'ann' at db.example:5432"),
        ("postgresql://[::1]:5433/state", "'state' at [::1]:5433"),
        ("postgresql://a,b:1,2/state", "'state' at a,b:5432,1,2"),
        ("postgresql:///state?host=%2Frun%2Fpostgresql", "'state' at /run/postgresql:5432"),
        ("postgresql:///state?hostaddr=10.0.0.1&user=ann", "'state' at 10.0.0.1:5432"),
        ("postgresql:///state?user=ann", "'state' at the local socket:5432"),
    ],
)
def test_place_is_told_without_user_and_password(url: str, where: str) -> None:
    dialect = PostgresDialect(url)
    if "," not in where:
        assert dialect.where == f"the PostgreSQL database {where}"
    assert "hunter2" not in f"{dialect.where} {dialect!r}"


def test_environment_of_libpq_is_heeded(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", str(postgres.port)),
        ("PGUSER", USER),
        ("PGPASSWORD", PASSWORD),
        ("PGDATABASE", "postgres"),
        ("PGOPTIONS", f"-csearch_path={postgres.new_schema()}"),
    ):
        monkeypatch.setenv(name, value)
    with opened("postgresql://") as store:
        store.acquire(ELSEWHERE)
        with pytest.raises(
            LockedError, match=rf"in the PostgreSQL database 'postgres' at 127\.0\.0\.1:{postgres.port} "
        ):
            store.acquire(this_process())


def test_server_that_is_down_is_named() -> None:
    url = "postgresql://ann:hunter2@127.0.0.1:1/state"
    with pytest.raises(StateError) as caught:
        open_store(url, deployment="production", clock=VirtualClock())
    assert "the PostgreSQL database 'state' at 127.0.0.1:1 can't be reached: " in str(caught.value)
    assert "to do: see that the server runs" in str(caught.value)
    assert "hunter2" not in all_text(caught.value)


def test_wrong_password_and_missing_database_are_told(url: str) -> None:
    wrongs = {
        url.replace(SECRET, "hunter2"): "password authentication failed",
        url.replace("/postgres?", "/missing?"): 'database "missing" does not exist',
    }
    for wrong, told in wrongs.items():
        with pytest.raises(StateError, match=f"can't be reached: .*{told}") as caught:
            open_store(wrong, deployment="production", clock=VirtualClock())
        assert "hunter2" not in all_text(caught.value)
        assert SECRET not in all_text(caught.value)


def test_password_is_in_no_message_and_no_repr(postgres: PostgresServer, url: str) -> None:
    shown = []
    with opened(url) as store:
        shown += [repr(store), repr(vars(store)), store.acquire(ELSEWHERE), store.load()]
        with pytest.raises(LockedError) as locked:
            store.acquire(this_process())
        shown.append(all_text(locked.value))
        with postgres.connected(url) as admin:
            admin.execute("DROP TABLE orchestra_pending")
        with pytest.raises(CorruptStateError, match="orchestra_pending") as damaged:
            store.load()
        shown.append(all_text(damaged.value))
    with pytest.raises(StateError, match=f"at 127.0.0.1:{postgres.port} is closed") as closed:
        store.load()
    shown.append(all_text(closed.value))
    assert SECRET not in "\n".join(map(str, shown))


def test_writes_are_durable_when_they_return_and_wait_for_nobody_for_ever(postgres: PostgresServer) -> None:
    def found(url: str) -> list[object]:
        connection = PostgresDialect(url).connect()
        with contextlib.closing(connection):
            names = ("synchronous_commit", "idle_in_transaction_session_timeout", "lock_timeout")
            return [value for name in names for value in connection.execute(f"SHOW {name}").fetchone() or ()]

    assert found(postgres.new_url()) == ["on", "10s", "15s"]
    assert found(postgres.new_url(synchronous_commit="off", lock_timeout="1s")) == ["on", "10s", "1s"]
    assert found(postgres.new_url(synchronous_commit="remote_apply")) == ["remote_apply", "10s", "15s"]


def test_encoding_that_cannot_hold_everything_is_refused(postgres: PostgresServer) -> None:
    with postgres.connected() as admin:
        admin.execute("CREATE DATABASE latin ENCODING LATIN1 TEMPLATE template0")
    with pytest.raises(StateError, match="its encoding is LATIN1, not UTF8") as caught:
        open_store(postgres.url().replace("/postgres?", "/latin?"), deployment="production", clock=VirtualClock())
    assert "createdb --encoding=UTF8" in str(caught.value)


def test_rights_that_are_missing_are_told(postgres: PostgresServer) -> None:
    schema = postgres.new_schema()
    mine, url = postgres.url(schema), postgres.url(schema).replace(f"{USER}:", "reader:")
    with postgres.connected() as admin:
        admin.execute(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
        admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO reader")
        with pytest.raises(StateError, match=r"this user may not use it .*permission denied for schema") as caught:
            open_store(url, deployment="production", clock=VirtualClock())
        assert "right to create tables" in str(caught.value)
        with opened(mine) as store:
            store.acquire(ELSEWHERE)
        admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader")
        with opened(url) as store, pytest.raises(StateError, match="this user may not use it"):
            store.break_lease(ELSEWHERE)
        admin.execute(f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO reader")
        with opened(url) as store:
            assert store.break_lease(ELSEWHERE) is not None
            fill(store, 1)


def test_schema_that_is_missing_is_told(postgres: PostgresServer) -> None:
    with pytest.raises(StateError, match="no schema to make the tables in"):
        open_store(postgres.url("missing"), deployment="production", clock=VirtualClock())


def test_server_that_takes_no_writes_is_told(postgres: PostgresServer) -> None:
    schema = postgres.new_schema()
    with opened(postgres.url(schema)) as store:
        fill(store, 1)
        before = store.load()
    with opened(postgres.url(schema, default_transaction_read_only="on")) as store:
        assert store.load() == before
        with pytest.raises(StateError, match="takes no writes") as caught:
            store.break_lease(ELSEWHERE)
    assert "name the server that takes the writes" in str(caught.value)


def test_state_survives_closing(url: str) -> None:
    with opened(url) as store:
        fill(store, 3)
        before, journal, runs = store.load(), store.journal(), store.runs()
    store.close()
    with opened(url) as store:
        assert (store.load(), store.journal(), store.runs()) == (before, journal, runs)


def test_two_that_make_the_tables_at_once_get_the_same(url: str) -> None:
    barrier = threading.Barrier(6)
    lineages: list[str] = []

    def enter() -> None:
        barrier.wait()
        with opened(url) as store:
            lineages.append(store.load().lineage)

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(lineages), len(set(lineages))) == (6, 1)


# -- what is in it


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE orchestra_records SET payload = replace(payload, 'hello', 'hullo') WHERE address = 'web[1]'",
            "web[1]: ",
        ),
        ("UPDATE orchestra_records SET address = 'web[99]' WHERE address = 'web[1]'", "web[99]: "),
        ("DELETE FROM orchestra_records WHERE address = 'web[1]'", "orchestra_records are missing or there twice"),
        ("UPDATE orchestra_pending SET sequence = 1", "web[3]: "),
        ("UPDATE orchestra_deployments SET serial = 1", "orchestra_deployments isn't"),
        ("DELETE FROM orchestra_deployments", "its row is missing"),
        ("DROP TABLE orchestra_pending", 'relation "orchestra_pending" does not exist'),
        ("ALTER TABLE orchestra_records DROP COLUMN payload", 'column "payload" does not exist'),
        ("DELETE FROM orchestra_meta WHERE name = 'version'", "tells no version"),
    ],
)
def test_rows_changed_by_hand_are_told(statement: str, told: str, postgres: PostgresServer, url: str) -> None:
    with opened(url) as store:
        fill(store, 3)
    with postgres.connected(url) as admin:
        admin.execute(statement)
    with pytest.raises(CorruptStateError) as caught, opened(url) as store:
        store.load()
    assert told in str(caught.value)
    assert "the PostgreSQL database 'postgres'" in str(caught.value)
    assert "restore a copy" in str(caught.value)


def test_newer_version_is_refused_and_nothing_is_changed(postgres: PostgresServer, url: str) -> None:
    with opened(url) as store:
        fill(store, 1)
    with postgres.connected(url) as admin:
        admin.execute("UPDATE orchestra_meta SET value = '7' WHERE name = 'version'")
    with pytest.raises(StateVersionError, match="it has version 7, this orchestra reads up to version 2"):
        open_store(url, deployment="another", clock=VirtualClock())


def test_database_that_went_back_is_told(postgres: PostgresServer, url: str) -> None:
    tables = [f"orchestra_{name}" for name in ("deployments", "records", "pending", "journal", "runs")]
    with opened(url) as store, postgres.connected(url) as admin:
        lease = fill(store, 1)
        for table in tables:
            admin.execute(f"CREATE TABLE old_{table} AS TABLE {table}")
        serial = store.load().serial
        assert store.commit(lease, [outcome(1, write=(record(1),))]) == serial + 1
        for table in tables:
            admin.execute(f"DELETE FROM {table}")
            admin.execute(f"INSERT INTO {table} TABLE old_{table}")
        for use in (store.load, store.journal, lambda: store.renew(lease), lambda: store.commit(lease, [outcome(2)])):
            with pytest.raises(StateError, match=f"went back to serial {serial} .*: serial {serial + 1} was written"):
                use()
    with opened(url) as store:
        assert store.load().serial == serial


def test_text_of_any_kind_comes_back(url: str) -> None:
    text = "ü€😀'\"%s ? \\ \x00 \x7f" + "long " * 3000
    with opened(url) as store:
        lease = store.acquire(this_process())
        store.commit(lease, [outcome(write=(record(text=text),))])
        assert store.load().records == {record().address: record(text=text)}


def test_fault_of_our_own_is_not_called_damage(url: str) -> None:
    with opened(url) as store:
        lease = fill(store, 1)
        before = store.load()
        for wrong in (object(), "nul \x00"):
            with pytest.raises(InternalError):
                store.commit(lease, [outcome(remove=((record(0).address, wrong),))])  # type: ignore[arg-type]
        assert store.load() == before


# -- many at once


def test_write_waits_for_a_short_lock_and_tells_of_a_long_one(postgres: PostgresServer) -> None:
    url = postgres.new_url(lock_timeout="50ms")
    with opened(url) as store, opened(url, "other") as other, postgres.connected(url) as admin:
        lease, elsewhere = fill(store, 1), fill(other, 1)
        before = store.load()
        with admin.transaction():
            admin.execute("SELECT 1 FROM orchestra_deployments WHERE deployment = 'production' FOR UPDATE")
            with pytest.raises(StateError, match="another process kept it locked") as caught:
                store.commit(lease, [outcome(1, write=(record(1),))])
            assert store.load() == before  # reading waits for nobody
            other.commit(elsewhere, [outcome(1, write=(record(1),))])  # nor do other deployments
        assert f"at 127.0.0.1:{postgres.port}" in str(caught.value)
        assert store.commit(lease, [outcome(1, write=(record(1),))]) == before.serial + 1


def test_transaction_that_the_server_rolled_back_is_repeated(postgres: PostgresServer, url: str) -> None:
    with opened(url) as store, postgres.connected(url) as admin:
        lease = fill(store, 1)
        serial = store.load().serial
        admin.execute("CREATE SEQUENCE tries")
        admin.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('tries') < 4 THEN "
            "RAISE EXCEPTION 'not now' USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$"
        )
        admin.execute("CREATE TRIGGER refuse BEFORE INSERT ON orchestra_journal FOR EACH ROW EXECUTE FUNCTION refuse()")
        assert store.commit(lease, [outcome(1, write=(record(1),))]) == serial + 1
        assert admin.execute("SELECT last_value FROM tries").fetchone() == (4,)
        admin.execute("ALTER SEQUENCE tries RESTART MINVALUE -1000000 START -1000000")
        with pytest.raises(StateError, match=r"within 30 s: nothing more was written; the last try: .*not now"):
            store.commit(lease, [outcome(2, write=(record(2),))])
        assert store.load().serial == serial + 1


def test_loading_sees_one_moment(url: str) -> None:
    seen: list[str] = []
    with opened(url) as writer:
        lease = fill(writer, 2)

        class Interrupted(PostgresDialect):
            def sql(self, statement: str) -> str:
                if statement.startswith("SELECT") and "orchestra_pending" in statement and not seen:
                    seen.append(statement)
                    writer.commit(lease, [outcome(2, settles=intent(2), remove=(record(0).key,))])
                return super().sql(statement)

        store = SqlStore(Interrupted(url), deployment="production", clock=VirtualClock(), lease_seconds=60.0)
        with contextlib.closing(store) as reader:
            before = without_identity(writer.load())
            assert without_identity(reader.load()) == before
            assert len(seen) == 1
            assert without_identity(reader.load()) == without_identity(writer.load()) != before


# -- what it costs


class Counting(PostgresDialect):
    """Counts statements."""

    statements = 0

    def sql(self, statement: str) -> str:
        self.statements += 1
        return super().sql(statement)


def costs(url: str, count: int) -> dict[str, int]:
    """How many statements each write takes with ``count`` records."""
    dialect = Counting(url)
    store = SqlStore(dialect, deployment="production", clock=VirtualClock(), lease_seconds=60.0)
    with contextlib.closing(store):
        lease = fill(store, 10)
        store.commit(lease, [outcome(write=tuple(record(number) for number in range(10, count)))])
        found = {}
        for write in WRITES:
            before = dialect.statements
            write(store, lease)
            found[write.__name__] = dialect.statements - before
        assert len(store.load().records) == count
    return found


def test_statements_of_a_write_do_not_grow_with_the_state(postgres: PostgresServer) -> None:
    few, many = costs(postgres.new_url(), 10), costs(postgres.new_url(), 1000)
    assert few == many
    assert max(few.values()) <= 13


def test_no_secret_is_dumped(postgres: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "planted-hunter2")

    class Shop(oc.Stack):
        def build(self) -> None:
            planted = oc.Secret.env("PLANTED")
            self.network = oc.Network(cidr="10.0.0.0/16")
            self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
            self.server = oc.Server(image="i", size="s", subnet=self.subnet, user_data=f"{planted} {self.subnet.id}")
            self.bucket = oc.Bucket(name="shop-bucket")
            self.blob = oc.Blob(bucket=self.bucket, key="k", content=planted)
            self.made = oc.Blob(bucket=self.bucket, key="made", content=oc.Secret.generate("admin", length=20))

    cloud = MemoryCloud()
    with oc.Deployment(Shop(), name="shop", cloud=cloud, state=url, key="the-key-hunter2-", progress=False) as shop:
        shop.apply()
        assert SECRET not in repr(shop)
    dump = postgres.dump()
    assert "shop-bucket" in dump  # what is no secret is there
    made = str(cloud.at("made").inputs["content"])
    assert cloud.at("blob").inputs["content"] == "planted-hunter2"
    assert [secret for secret in ("hunter2", made, SECRET) if secret in dump] == []
