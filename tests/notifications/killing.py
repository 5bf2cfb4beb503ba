"""A program that does ticks in processes of their own and kills them (SIGKILL) where it is told.

Each line of its input is a JSON object: `url`, `at`, `smtp`, and where to die: `place` (commit or mail), `when` (before
or after) and `number` (from 1; 0: nowhere). For each it answers with a line: the exit status, negative for a signal.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any

import structlog
from pydantic import SecretStr

from notifications.channels.mail import SmtpChannel
from notifications.scheduler import tick
from workflow.db import Database
from workflow.settings import settings


def deadly(done: Callable[..., Any], when: str, number: int) -> Callable[..., Any]:
    """`done`, but for its call of that number: the process dies before or after it."""
    calls = count(1)

    def call(*given: Any) -> Any:
        here = next(calls) == number
        if here and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = done(*given)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return call


def live(task: dict[str, Any]) -> int:
    """One tick, to its end (0) or its death."""
    database = Database(task["url"])
    if task["place"] == "commit":
        dialect = database.writer.dialect
        # Replaced on purpose, to die around it.
        dialect.do_commit = deadly(dialect.do_commit, task["when"], task["number"])  # type: ignore[method-assign]
    elif task["number"]:
        # As above.
        SmtpChannel.send = deadly(SmtpChannel.send, task["when"], task["number"])  # type: ignore[method-assign]
    chosen = settings().model_copy(update={"smtp_url": SecretStr(task["smtp"])})
    tick(database, chosen, datetime.fromisoformat(task["at"]))
    database.dispose()
    return 0


def main() -> None:
    """Answer each line of the input. Ticks that nothing kills are done here: those after have all they need at hand."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    for line in sys.stdin:
        task = json.loads(line)
        print(die(task) if task["number"] else live(task), flush=True)


def die(task: dict[str, Any]) -> int:
    """A tick in a process of its own; its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = live(task)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main()
