"""Runs the measurements: `python -m tests.benchmarks [PART …] [--json]`."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict

import structlog

from tests.benchmarks import calendars, demo, forecast, mail, pages, pairing, reminders, sampling, server, transitions
from tests.benchmarks.measure import Result
from tests.benchmarks.places import Places, places

Part = Callable[[Places, Callable[[str], None]], Iterator[Result]]
PARTS: Mapping[str, Part] = {
    "transitions": transitions.measure,
    "pages": pages.measure,
    "list": server.measure_list,
    "worker": server.measure_worker,
    "demo": demo.measure,
    "calendars": calendars.measure,
    "forecast": forecast.measure,
    "mail": mail.measure,
    "pairing": pairing.measure,
    "reminders": reminders.measure,
    "sampling": sampling.measure,
}


def main() -> None:
    """Measure the parts named (all of them where none is) and write a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all where none is named")
    parser.add_argument("--json", action="store_true", help="write JSON")
    asked = parser.parse_args()
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    results = []
    with open(os.devnull, "w") as nowhere, places() as where:
        # Logs are written, as in service, where they do not cover the results.
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(nowhere))
        for name in asked.parts or PARTS:
            for result in PARTS[name](where, _say):
                results.append(result)
                if not asked.json:
                    print(_line(result), flush=True)
    if asked.json:
        print(json.dumps([asdict(result) for result in results], ensure_ascii=False, indent=2))


def _say(what: str) -> None:
    """Tell who waits what is being done; it stays out of what is written."""
    if sys.stderr.isatty():
        print(f"\r\033[K… {what}", end="", file=sys.stderr, flush=True)
    else:
        print(f"… {what}", file=sys.stderr, flush=True)


def _line(result: Result) -> str:
    value = f"{result.value:.2f}" if result.value is not None else ""
    verdict = {None: "", True: "met", False: "MISSED"}[result.met]
    clear = "\r\033[K" if sys.stderr.isatty() and sys.stdout.isatty() else ""
    figures = ", ".join(f"{name} {value}" for name, value in result.figures.items())
    return (
        f"{clear}{result.part:<12} {result.what:<44} {result.on:<11} {value:>6}  {result.aim:<8} {verdict:<7} {figures}"
    )


if __name__ == "__main__":
    main()
