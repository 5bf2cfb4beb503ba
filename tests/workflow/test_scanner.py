"""A file is clean, infected, or not scanned: nothing else passes for clean."""

import socket
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.clamd import VIRUS, Clamd, serving
from workflow.scanner import CHUNK, Unscanned, virus_in
from workflow.settings import Settings


def test_every_byte_is_sent_and_a_clean_file_has_no_virus() -> None:
    content = bytes(range(256)) * (CHUNK // 100)
    assert len(content) % CHUNK
    assert len(content) > 2 * CHUNK
    with serving(Clamd()) as clamd:
        assert virus_in(content, clamd.address) is None
        assert virus_in(content[:CHUNK], clamd.address) is None
    assert clamd.scanned == [content, content[:CHUNK]]


def test_a_virus_is_named_through_a_unix_socket(tmp_path: Path) -> None:
    with serving(Clamd(), tmp_path / "c") as clamd:
        assert virus_in(b"before" + VIRUS, clamd.address) == "Eicar-Test-Signature"


@pytest.mark.parametrize(
    "clamd",
    [
        Clamd(b"stream: Can't allocate memory ERROR\0"),
        Clamd(b"UNKNOWN COMMAND\0"),
        Clamd(b"stream: OK, I suppose\0"),
        Clamd(b""),
        Clamd(limit=10),
        Clamd(silent=True),
    ],
    ids=["error", "other", "garbled", "hangs up", "limit", "silent"],
)
def test_whatever_is_no_verdict_is_not_clean(clamd: Clamd) -> None:
    with serving(clamd), pytest.raises(Unscanned):
        virus_in(b"x" * 3 * CHUNK, clamd.address, patience=0.3)


def test_a_scanner_that_is_not_there_is_no_verdict(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    for address in (closed, f"unix:{tmp_path / 'none'}"):
        with pytest.raises(Unscanned):
            virus_in(b"x", address)


def test_an_address_that_is_none_keeps_the_program_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    for good in ("", "unix:/run/clamav/clamd.ctl", "tcp://127.0.0.1:3310"):
        monkeypatch.setenv("BINOME_CLAMD", good)
        assert Settings().clamd == good
    for wrong in ("127.0.0.1:3310", "tcp://127.0.0.1", "/run/clamd", "http://scanner:1"):
        monkeypatch.setenv("BINOME_CLAMD", wrong)
        with pytest.raises(ValidationError):
            Settings()
