"""The README says what is: its table of settings is the settings' own."""

from pathlib import Path

from workflow.settings import Settings

README = Path(__file__).parent.parent / "README.md"


def settings_table() -> str:
    """The table of settings, as the README must hold it."""
    rows = [
        f"| `BINOME_{name.upper()}` | {field.description} | {_shown(field.default)} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| name | sets | default |", "|---|---|---|", *rows])


def _shown(default: object) -> str:
    text = "" if not str(default).strip("*") else str(default)
    return f"`{text}`" if text else "–"


def test_every_setting_stands_in_the_readme() -> None:
    assert settings_table() in README.read_text(encoding="utf-8")
