"""The rules of the house that the import contracts in pyproject.toml cannot say."""

import sys
from functools import cache

import grimp

PACKAGES = ("states", "workflow", "notifications", "web")


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True)


def files_in_circles(imports: dict[str, set[str]]) -> set[str]:
    """The files that import themselves through others: what is left once nothing can be taken off either end."""
    rest = dict(imports)
    while True:
        imported = set().union(*rest.values()) if rest else set()
        kept = {name: names & rest.keys() for name, names in rest.items() if name in imported and names & rest.keys()}
        if kept == rest:
            return set(rest)
        rest = kept


def test_states_knows_the_standard_library_and_transitions_only() -> None:
    ours = graph().find_descendants("states") | {"states"}
    outside = {name for file in ours for name in graph().find_modules_directly_imported_by(file)} - ours
    assert {name.partition(".")[0] for name in outside} - sys.stdlib_module_names <= {"transitions"}


def test_no_circle_of_files() -> None:
    files = {name for package in PACKAGES for name in graph().find_descendants(package) | {package}}
    imports = {name: graph().find_modules_directly_imported_by(name) & files for name in files}
    assert files_in_circles(imports) == set()


def test_a_circle_of_files_is_found() -> None:
    chain = {"a": {"b"}, "b": {"c"}, "c": set()}
    assert files_in_circles(chain) == set()
    assert files_in_circles({**chain, "c": {"b"}}) == {"b", "c"}
