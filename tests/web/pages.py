"""What every page must be, whatever it shows."""

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
UNTYPED = frozenset({"hidden", "submit", "button", "image"})


@dataclass
class Form:
    """A form as a browser would send it, and the fields it holds."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """The names of all its fields, boxes and radios that are not checked too."""
    sent: list[tuple[str, str]] = field(default_factory=list)
    """Its fields in their order, those of one name each."""

    def all(self, name: str) -> list[str]:
        """Every value sent under a name."""
        return [value for sent, value in self.sent if sent == name]


class Page(HTMLParser):
    """A parsed page: headings, forms, links, and what is wrong with it (`faults`)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.h1: list[str] = []
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.faults: list[str] = []
        self.title = ""
        self._ids: Counter[str] = Counter()
        self._labelled: set[str] = set()
        self._inputs: list[str] = []
        self._open: list[str] = []
        self._in_text = ""
        self._choosing = ""
        self.text = ""
        self.feed(html)
        self.close()
        self._conclude()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append(tag)
        self.faults += [f"<{tag}> has {name}" for name in values if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in values):
            self.faults.append(f"inline <{tag}>")
        if "id" in values:
            self._ids[values["id"]] += 1
        if tag == "label":
            self._labelled.add(values.get("for", ""))
        if tag == "a":
            self.links.append(values.get("href", ""))
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get").lower()))
        if tag in ("input", "select", "textarea"):
            self._input(tag, values)
        if tag == "option" and "selected" in values and self._choosing:
            self._fill(self._choosing, values.get("value", ""))
        if tag == "h1":
            self.h1.append("")

    def _input(self, tag: str, values: dict[str, str]) -> None:
        kind = values.get("type", "text")
        if not (tag == "input" and kind in UNTYPED) and "aria-label" not in values:
            self._inputs.append(values.get("id", ""))
        if self.forms and "form" in self._open and "name" in values:
            self.forms[-1].names.add(values["name"])
            unchecked = kind in ("checkbox", "radio") and "checked" not in values
            if not unchecked:
                self._fill(values["name"], values.get("value", ""))
            self._choosing = values["name"] if tag == "select" else ""

    def _fill(self, name: str, value: str) -> None:
        self.forms[-1].fields[name] = value
        self.forms[-1].sent.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        elif tag not in VOID:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data
        if "h1" in self._open:
            self.h1[-1] += data
        if "title" in self._open and "svg" not in self._open:
            self.title += data

    def _conclude(self) -> None:
        if len(self.h1) != 1 or not self.h1[0].strip():
            self.faults.append(f"headings: {self.h1}")
        if not self.title.strip() or self.title.strip().startswith("–"):
            self.faults.append(f"title: {self.title!r}")
        self.faults += [f"id {name} stands {count} times" for name, count in self._ids.items() if count > 1]
        self.faults += [f"input {name!r} has no label" for name in self._inputs if name not in self._labelled]
        self.faults += [
            f"form {form.action} has no csrf_token"
            for form in self.forms
            if form.method == "post" and not form.fields.get("csrf_token")
        ]

    def form(self, action: str) -> Form:
        """The first form that is posted to `action`, whatever its parameters; AssertionError where there is none."""
        sent = [form for form in self.forms if form.method == "post"]
        found = [form for form in sent if action in (form.action, form.action.partition("?")[0])]
        assert found, f"no form to {action}, but to {[form.action for form in self.forms]}"
        return found[0]
