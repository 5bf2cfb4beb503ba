"""One PostgreSQL cluster for a whole test run, shared by all its workers.

The cluster listens on a Unix socket in a temporary folder only, so no port has to be found. The first worker that
needs it makes it and asks the run's guard to serve it. The guard is a small process that reads a named pipe which the
main process holds open: when that process closes the pipe, or dies in whatever way, the guard stops the server and
removes the run's folder.
"""

import contextlib
import fcntl
import os
import shlex
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

HOW_TO = (
    "PostgreSQL's server programs were not found (initdb on the PATH or in /usr/lib/postgresql/*/bin). "
    "On Debian or Ubuntu: apt-get install postgresql; elsewhere install PostgreSQL 15 or newer and put its bin folder "
    "on the PATH. `make test` does it by itself where it may."
)
OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # As a server in France has it: whatever takes a local time for UTC shows here.
    "timezone": "Europe/Paris",
}
GUARD = """
while read -r script; do sh "$script" & done < "$0/alive"
[ ! -e "$0/postgresql/data/postmaster.pid" ] || kill -QUIT "$(head -n 1 "$0/postgresql/data/postmaster.pid")"
wait
rm -rf "$0"
"""
SECONDS_TO_START = 60
# What the schema is made of: a row of PostgreSQL's catalogue that was touched since carries another transaction.
SCHEMA = "SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM ({}) AS parts".format(
    " UNION ALL ".join(
        f"SELECT concat_ws(' ', '{catalogue}', {identity}, xmin) AS part FROM {catalogue} WHERE {owner} >= 16384"
        for catalogue, identity, owner in (
            ("pg_class", "oid", "oid"),
            ("pg_attribute", "attrelid, attnum", "attrelid"),
            ("pg_constraint", "oid", "oid"),
            ("pg_trigger", "oid", "oid"),
            ("pg_proc", "oid", "oid"),
        )
    )
)
# Nobody else writes by then, so the triggers have nothing to say; what a migrated database holds itself stays.
EMPTY = """
DO $$
DECLARE one regclass;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0
    LOOP
        EXECUTE format('DELETE FROM %s', one);
    END LOOP;
    PERFORM setval(seqrelid, 1, false) FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL;
END $$
"""


class Missing(Exception):
    """PostgreSQL's server programs are not on this machine."""


def binaries() -> Path:
    """The folder of PostgreSQL's server programs, the newest version first. Raises Missing with the way to get them."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    on_path = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    for folder in [*on_path, *reversed(installed)]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Missing(HOW_TO)


@contextlib.contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Hold the run's lock of that name: one worker at a time."""
    with (folder / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Run:
    """The folder that the workers of one test run share, and its guard. Made and closed by the main process."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="binome-tests-"))
        self.folder.chmod(0o755)
        os.mkfifo(self.folder / "alive")
        self._alive = os.open(self.folder / "alive", os.O_RDWR)
        null = subprocess.DEVNULL
        command = ["/bin/sh", "-c", GUARD, self.folder]
        self._guard = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, start_new_session=True)

    def close(self) -> None:
        """Stop what the run started and remove its files."""
        os.close(self._alive)
        self._guard.wait()


def start(run: Path) -> str:
    """Start the run's cluster unless it runs already; returns the socket folder. Raises Missing."""
    home = run / "postgresql"
    with locked(run, "postgresql"):
        if not (home / "started").exists():
            _create(run, home)
            (home / "started").touch()
    return str(home)


def _create(run: Path, home: Path) -> None:
    bin_folder = binaries()
    as_server: list[str] = []
    # What an attempt that failed left behind.
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o755)
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        as_server = ["runuser", "-u", "postgres", "--"]
        shutil.chown(home, "postgres")
    data = home / "data"
    init = [bin_folder / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust", "--no-sync"]
    done = subprocess.run([*as_server, *init], cwd=home, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"initdb ended with {done.returncode}: {done.stderr}")
    settings = {**OPTIONS, "unix_socket_directories": str(home)}
    with (data / "postgresql.conf").open("a") as conf:
        conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    script = home / "serve.sh"
    serve = shlex.join(map(str, [*as_server, bin_folder / "postgres", "-D", data]))
    script.write_text(f"exec {serve} > {shlex.quote(str(home / 'log'))} 2>&1\n")
    (run / "alive").write_text(f"{script}\n")
    _wait_for(home)


def _wait_for(home: Path) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError as error:
            if time.monotonic() > end:
                log = home / "log"
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text() if log.exists() else error}") from error
            time.sleep(0.02)
        else:
            return


class Databases:
    """The databases of one worker in the run's cluster."""

    def __init__(self, run: Path, migrate: Callable[[str], None]) -> None:
        self._run, self._migrate = run, migrate
        self._host = start(run)
        self._admin = self._connect("postgres")
        self._schema: object = None
        self._spare: list[str] = []

    def _connect(self, name: str) -> psycopg.Connection:
        return psycopg.connect(host=self._host, user="postgres", dbname=name, autocommit=True)

    def url(self, name: str) -> str:
        """The address of a database, as SQLAlchemy takes it."""
        return f"postgresql+psycopg://postgres@/{name}?host={self._host}"

    @contextlib.contextmanager
    def fresh(self, *, migrated: bool) -> Iterator[str]:
        """The address of a new database, empty or migrated; it is gone at the end, whoever still uses it.

        Making a migrated one takes longer than most tests do, so one whose schema was left alone is emptied and given
        to a later test, under another name.
        """
        name = f"test_{uuid.uuid4().hex}"
        if migrated and self._spare:
            self._admin.execute(f"ALTER DATABASE {self._spare.pop()} RENAME TO {name}")
        else:
            self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {self._template() if migrated else 'template0'}")
        try:
            yield self.url(name)
        finally:
            if migrated and self._emptied(name):
                self._spare.append(name)
            else:
                self._admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _emptied(self, name: str) -> bool:
        """Empty a migrated database, unless its schema is no longer the migrated one."""
        self._admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])
        with self._connect(name) as connection:
            if connection.execute(SCHEMA).fetchone() != self._schema:
                return False
            connection.execute(EMPTY)
        return True

    def _template(self) -> str:
        with locked(self._run, "template"):
            made = self._run / "postgresql" / "migrated"
            if not made.exists():
                self._admin.execute("DROP DATABASE IF EXISTS migrated WITH (FORCE)")
                self._admin.execute("CREATE DATABASE migrated TEMPLATE template0")
                self._migrate(self.url("migrated"))
                made.touch()
        if not self._schema:
            with self._connect("migrated") as connection:
                self._schema = connection.execute(SCHEMA).fetchone()
        return "migrated"

    def close(self) -> None:
        """Leave the cluster to the other workers."""
        self._admin.close()
