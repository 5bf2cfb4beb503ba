"""Messages per second from the outbox into a local SMTP server, against a bare smtplib loop over one connection."""

import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr
from sqlalchemy import insert, select

from notifications.channels.base import Mail
from notifications.channels.mail import SmtpChannel, write
from notifications.compose import compose
from notifications.outbox import deliver
from tests.benchmarks.measure import Result, middle, ratio
from tests.benchmarks.places import KINDS, Places
from tests.factories import build
from workflow.db import Database
from workflow.models import Outbox, Person
from workflow.settings import Settings

COUNT, ROUNDS = 300, 7
AIM = 0.7
SINK = """
import asyncio, sys
from aiosmtpd.smtp import SMTP
class Sink:
    async def handle_DATA(self, server, session, envelope):
        return "250 taken"
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Sink()), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"""


@contextmanager
def sink() -> Iterator[int]:
    """A server in a process of its own that takes everything; its port."""
    running = subprocess.Popen([sys.executable, "-c", SINK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stdin
    assert running.stdout
    yield int(running.stdout.readline())
    running.communicate()


def measure(where: Places, say: Callable[[str], None]) -> Iterator[Result]:
    """Deliver the same messages by the outbox and by a loop, in turns."""
    for on in KINDS:
        say(f"messages into a local server, {on}")
        with where.fresh(on) as database, sink() as port:
            build(database)
            settings = Settings(
                secret_key=SecretStr("k" * 40), smtp_url=SecretStr(f"smtp://127.0.0.1:{port}"), mail_from="a@b.example"
            )
            yield _against(database, settings, port, on)


def _against(database: Database, settings: Settings, port: int, on: str) -> Result:
    clock = datetime.now(UTC)
    rounds = iter(range(ROUNDS))

    def fill() -> None:
        turn = next(rounds)
        with database.write() as session:
            person = session.scalars(select(Person.id).order_by(Person.id)).first()
            session.execute(
                insert(Outbox),
                [
                    {
                        "key": f"bench:{turn}:{n}",
                        "kind": "calendar_proposed",
                        "person_id": person,
                        "payload": {"campaign": "Programmation", "campaign_id": 1, "reason": "Pour tous"},
                        "created_at": clock,
                        "next_at": clock,
                    }
                    for n in range(COUNT)
                ],
            )

    def outbox() -> None:
        done = deliver(database, SmtpChannel(settings), settings, lambda: clock + timedelta(seconds=1))
        assert done["sent"] == COUNT, done

    fill()
    with database.read() as session:
        first = session.scalars(select(Outbox.id).where(Outbox.kind == "calendar_proposed")).first()
        mail = next(compose(session, settings, [first or 0], clock))
    assert isinstance(mail, Mail)
    message = write(mail, settings.mail_from, clock)

    def loop() -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            for _ in range(COUNT):
                client.send_message(message)

    bare: list[float] = []
    ours: list[float] = []
    for turn in range(ROUNDS):
        if turn:
            fill()
        for work, seconds in ((loop, bare), (outbox, ours)):
            started = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - started)
    share = ratio(bare, ours)
    figures = {"loop": f"{COUNT / middle(bare):.0f}/s", "outbox": f"{COUNT / middle(ours):.0f}/s"}
    return Result("mail", "messages per second, against a bare loop", on, figures, share, f">= {AIM}", share >= AIM)
