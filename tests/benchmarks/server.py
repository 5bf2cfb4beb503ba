"""What is served: a list to several clients at once, and what one worker weighs and how soon it answers."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.benchmarks import seed
from tests.benchmarks.measure import Result, interleaved, middle, ratio
from tests.benchmarks.places import Places
from tests.benchmarks.visitor import application, cookie, environment

CLIENTS = 4
WORKERS = 2
EMPTY, LIST = "/sante", "/instance/dossiers?state=assigned"
ROUNDS, EACH = 9, 60
STARTS = 3
SECONDS_TO_START = 60
BARE = "import flask, sqlalchemy.orm, psycopg, jinja2, marshmallow"
"""The given parts alone, without a line of ours: what a worker is held against."""


class Server:
    """`binome serve` on the loopback, with the settings of `variables`."""

    def __init__(self, variables: dict[str, str], workers: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        command = [sys.executable, "-m", "web.cli", "serve", "--port", str(self.port), "--workers", str(workers)]
        null = subprocess.DEVNULL
        self.process = subprocess.Popen(command, env=variables, stdout=null, stderr=null, start_new_session=True)

    def get(self, connection: http.client.HTTPConnection, path: str, cookie: str) -> None:
        """One GET on a connection that is kept open. Raises RuntimeError where the answer is another than 200."""
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")

    def open(self) -> http.client.HTTPConnection:
        """A connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def wait(self, path: str) -> None:
        """Wait for the first answer. Raises RuntimeError where none comes."""
        end = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.get(self.open(), path, "")
            except (OSError, http.client.HTTPException):
                time.sleep(0.005)
            else:
                return
        raise RuntimeError("the server did not start")

    def workers(self) -> list[int]:
        """The process ids below the server's own, the heaviest first."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return sorted(map(int, children), key=lambda pid: memory(pid)["Rss"], reverse=True)


@contextmanager
def serving(variables: dict[str, str], workers: int) -> Iterator[Server]:
    """A server while the block runs."""
    server = Server(variables, workers)
    try:
        yield server
    finally:
        server.process.send_signal(signal.SIGINT)
        try:
            server.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()


def memory(pid: int) -> dict[str, float]:
    """Megabytes of a process: Rss, all that it maps; Pss, with what it shares counted in parts."""
    lines = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return {words[0].rstrip(":"): int(words[1]) / 1024 for words in lines}


# --- a list to several clients -------------------------------------------------------------------------------------


def measure_list(places: Places, say: Callable[[str], None]) -> Iterator[Result]:
    """Requests per second of a signed-in list to those of the empty page, from the same server."""
    say(f"a list from {WORKERS} workers to {CLIENTS} clients")
    with places.fresh("SQLite") as database:
        seeded = seed.fill(database, 960, share=1)
        with environment(database.url, places.folder) as variables:
            ticket = cookie(application(database), seeded.world, "animator")
            with serving(variables, WORKERS) as server:
                server.wait(EMPTY)

                def visit(path: str) -> Callable[[], None]:
                    return lambda: _together(server, path, ticket)

                for path in (EMPTY, LIST):
                    visit(path)()
                empty, listed = interleaved(ROUNDS, visit(EMPTY), visit(LIST))
    number = CLIENTS * EACH
    yield Result(
        "list",
        f"a list of 60 against an empty page, {CLIENTS} clients",
        "SQLite",
        {
            "list": f"{number / middle(listed):.0f}/s",
            "empty page": f"{number / middle(empty):.0f}/s",
            "a client waits": f"{middle(listed, EACH) * 1e3:.0f} ms",
        },
        ratio(empty, listed),
    )


def _together(server: Server, path: str, ticket: str) -> None:
    failures: list[Exception] = []

    def client() -> None:
        connection = server.open()
        try:
            for _ in range(EACH):
                server.get(connection, path, ticket)
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


# --- one worker ----------------------------------------------------------------------------------------------------


def measure_worker(places: Places, say: Callable[[str], None]) -> Iterator[Result]:
    """What a worker weighs after some pages, and the time from start to first page; each against the parts alone."""
    say("the start and the weight of a worker")
    weights: list[dict[str, float]] = []
    with places.fresh("SQLite") as database:
        seeded = seed.fill(database, 960, share=1)
        with environment(database.url, places.folder) as variables:
            ticket = cookie(application(database), seeded.world, "animator")

            def start() -> None:
                with serving(variables, 1) as server:
                    server.wait("/connexion")
                    started.append(time.perf_counter() - begun)
                    if not weights:
                        connection = server.open()
                        for _ in range(100):
                            server.get(connection, LIST, ticket)
                        connection.close()
                        weights.append(memory(server.workers()[0]))

            started: list[float] = []
            bare: list[float] = []
            for _ in range(STARTS):
                begun = time.perf_counter()
                start()
                begun = time.perf_counter()
                subprocess.run([sys.executable, "-c", BARE], check=True)
                bare.append(time.perf_counter() - begun)
    weight, parts = weights[0], _weight_of_parts()
    yield Result(
        "worker",
        "start to first page, against its parts alone",
        "SQLite",
        {"first page after": f"{median(started):.2f} s", "its parts imported after": f"{median(bare):.2f} s"},
        ratio(started, bare),
    )
    yield Result(
        "worker",
        "memory of a worker, against its parts alone",
        "SQLite",
        {"RSS": f"{weight['Rss']:.0f} MB", "PSS": f"{weight['Pss']:.0f} MB", "its parts": f"{parts:.0f} MB"},
        weight["Rss"] / parts,
    )


def _weight_of_parts() -> float:
    code = f"{BARE}; print(open('/proc/self/smaps_rollup').read())"
    text = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Rss:"))
