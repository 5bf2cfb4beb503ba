"""Where measurements happen: a SQLite file and a PostgreSQL cluster, both set as in service, removed at the end."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from tests import postgres
from workflow.db import Database, migrate

KINDS = ("SQLite", "PostgreSQL")
# The tests' cluster keeps nothing through a crash; here a commit must cost what it costs in service.
AS_IN_SERVICE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class Places:
    """Makes empty migrated databases of each kind."""

    def __init__(self, folder: Path, cluster: postgres.Databases) -> None:
        self.folder, self._cluster, self._number = folder, cluster, 0

    @contextmanager
    def fresh(self, kind: str) -> Iterator[Database]:
        """A migrated database, removed at the end."""
        with ExitStack() as stack:
            database = Database(stack.enter_context(self._url(kind)))
            stack.callback(database.dispose)
            yield database

    @contextmanager
    def _url(self, kind: str) -> Iterator[str]:
        if kind == "PostgreSQL":
            with self._cluster.fresh(migrated=True) as url:
                yield url
            return
        self._number += 1
        folder = self.folder / f"sqlite{self._number}"
        url = f"sqlite:///{folder / 'binome.sqlite'}"
        migrate(url)
        yield url
        shutil.rmtree(folder)


@contextmanager
def places() -> Iterator[Places]:
    """The machine's places to measure in. Raises postgres.Missing where PostgreSQL is not installed."""
    run = postgres.Run()
    try:
        host = postgres.start(run.folder)
        with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as admin:
            for name, value in AS_IN_SERVICE.items():
                # The driver wants a literal; names and values are those above.
                admin.execute(f"ALTER SYSTEM SET {name} = '{value}'")  # type: ignore[arg-type,unused-ignore]
            admin.execute("SELECT pg_reload_conf()")
        cluster = postgres.Databases(run.folder, migrate)
        with tempfile.TemporaryDirectory(prefix="binome-bench-") as folder:
            yield Places(Path(folder), cluster)
        cluster.close()
    finally:
        run.close()
