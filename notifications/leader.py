"""Of several schedulers on one database, one leads and the others stand by."""

import fcntl
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from workflow.db import Database

_LOCK = 0x42494E4F4D4553


class Leader(Protocol):
    """A claim to lead, asked for again at each tick. It ends with the process, however that ends."""

    def held(self) -> bool:
        """Whether this process leads now; takes the lead where it is free."""

    def release(self) -> None:
        """Let another process lead."""


class FileLeader:
    """A lock on a file beside the database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def held(self) -> bool:
        """Whether this process leads now; takes the lead where it is free."""
        if self._file is not None:
            return True
        file = self._path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Let another process lead."""
        if self._file is not None:
            self._file.close()
            self._file = None


class AdvisoryLeader:
    """PostgreSQL's advisory lock, on a connection of its own: when that breaks, the server frees the lock, so it is
    probed each time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def held(self) -> bool:
        """Whether this process leads now; takes the lead where it is free."""
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
            return self._take()
        except SQLAlchemyError:
            self._drop()
            return False

    def _take(self) -> bool:
        self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if self._connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
            return True
        self.release()
        return False

    def _drop(self) -> None:
        """Give up a connection that may be broken: used again it would be another one, without the lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def release(self) -> None:
        """Let another process lead."""
        self._drop()


def leader_of(database: Database) -> Leader:
    """The claim to lead that fits the database."""
    url = make_url(database.url)
    if url.get_backend_name() != "sqlite":
        return AdvisoryLeader(database.writer)
    return FileLeader(Path(f"{url.database or 'memory'}.scheduler-lock"))
