"""A person at a browser: opens, reads, fills and presses, and finds every page sound on the way."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Dialog, Locator, Page, Request, Response, expect

SIZES = {"desk": (1280, 900), "phone": (360, 740)}
PATIENCE = 8_000
"""Milliseconds after which what should be there is missed; the machine may be busy."""
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Nothing is fetched anew for the rules of these standards; what passes is not described.
OPTIONS = {"resultTypes": ["violations"], "runOnly": STANDARDS, "preload": False}
AXE = f"axe.run({json.dumps(OPTIONS)}).then(found => found.violations)"
TOO_WIDE = """() => {
    const page = document.scrollingElement;
    if (page.scrollWidth <= page.clientWidth) return [];
    return [...document.querySelectorAll("body *")]
        .filter(part => part.getBoundingClientRect().right > page.clientWidth + 0.5)
        .map(part => part.outerHTML.slice(0, 120)).slice(0, 5);
}"""
# What a page is made of, whatever its texts say: pages alike in that are judged alike.
MADE_OF = """() => JSON.stringify([...document.querySelectorAll("body, body *")].map(part => [
    part.tagName, part.className.baseVal ?? part.className, part.childNodes.length, part.hidden || part.open,
    ...[...part.attributes].map(attribute => attribute.value ? attribute.name : "-" + attribute.name),
]))"""
# What the browser writes when a page answers 4xx: the statuses are checked by themselves.
NO_NETWORK = "net::ERR_INTERNET_DISCONNECTED"
A_STATUS = re.compile(r"^Failed to load resource: the server responded with a status of \d+")


JUDGED: set[int] = set()
"""What pages were made of that this process has judged, in windows of some size."""


class Visitor:
    """Wraps a page of Playwright. What is wrong with any page it shows is kept in `problems`.

    A document that was shown and not checked is a problem too, so that no visit escapes.
    """

    def __init__(self, page: Page, name: str, *, size: str, scripts: bool) -> None:
        self.page, self.name, self.size, self.scripts = page, name, size, scripts
        self.twin: Page | None = None
        self.problems: list[str] = []
        self.was_cut = False
        self.shown = self.checked = 0
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.on("domcontentloaded", self._document)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._wrong(f"script: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._response)
        page.on("dialog", self._dialog)

    # What the browser tells

    def _wrong(self, what: str) -> None:
        self.problems.append(f"{self.name} at {self.page.url}: {what}")

    def _document(self, _page: Page) -> None:
        if self.checked < self.shown:
            self._wrong("a page before this one was not checked")
        self.shown += 1

    def _console(self, message: ConsoleMessage) -> None:
        cut = self.was_cut and NO_NETWORK in message.text
        if message.type in ("error", "warning") and not cut and not A_STATUS.match(message.text):
            self._wrong(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        if self.was_cut and request.failure == NO_NETWORK:
            return
        # A page that is left gives up what it was fetching by itself: the next state of a ceremony, a draft, a copy.
        if request.resource_type not in ("xhr", "fetch") or request.failure != "net::ERR_ABORTED":
            self._wrong(f"request failed: {request.method} {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        # A script that sends what was kept is told refusals like a form, and shows them.
        told = response.status in (404, 409, 422) and "idempotency-key" in response.request.headers
        if response.status >= 400 and not told and not response.request.is_navigation_request():
            self._wrong(f"{response.status} for {response.url}")

    def _dialog(self, dialog: Dialog) -> None:
        self._wrong(f"dialog: {dialog.type} {dialog.message}")
        dialog.accept()

    def cut(self) -> "Visitor":
        """Take the network away; what fails for that is from then on no fault of the pages. Returns itself."""
        self.was_cut = True
        self.page.context.set_offline(True)
        return self

    def reconnect(self) -> None:
        """Give the network back."""
        self.page.context.set_offline(False)

    # What every page must be

    def check(self) -> None:
        """Find the page sound as it stands: accessible, and no wider than the window, nor than any other window."""
        self.checked = self.shown
        self.judge(self.size)
        for size in (*(other for other in SIZES if other != self.size), self.size):
            self._resize(self.page, size)
            for part in self.page.evaluate(TOO_WIDE):
                self._wrong(f"{size}: wider than the window: {part}")
            if folder := os.environ.get("BINOME_SCREENSHOTS"):
                path = Path(folder) / f"{self.name}-{self.checked:02}-{size}.png"
                self.page.screenshot(path=path, full_page=True)

    def judge(self, size: str) -> None:
        """Find the page accessible in a window of that size, unless one made like it was."""
        made_of = hash((size, self.page.evaluate(MADE_OF)))
        if made_of in JUDGED:
            return
        JUDGED.add(made_of)
        page = self.page if self.scripts else self._twin()
        self._resize(page, size)
        page.evaluate(AXE_SCRIPT)
        for violation in page.evaluate(AXE):
            for node in violation["nodes"]:
                what = f"{violation['help']}: {node['html'][:300]} {node['failureSummary']}"
                self._wrong(f"{size}: {violation['id']}: {what}")

    def _resize(self, page: Page, size: str) -> None:
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})

    def _twin(self) -> Page:
        """The same page where the judge's own script can run; the page's are kept away from it."""
        context, content = self.page.context, self.page.content()
        assert context.browser
        if self.twin is None:
            self.twin = context.browser.new_context().new_page()
            self.twin.route("**/*.js*", lambda route: route.abort())
        self.twin.route(self.page.url, lambda route: route.fulfill(body=content, content_type="text/html"), times=1)
        self.twin.goto(self.page.url)
        return self.twin

    def leave(self) -> None:
        """Close the browser context."""
        if self.checked < self.shown:
            self._wrong("the last page was not checked")
        self.page.context.close()
        if self.twin:
            self.twin.context.close()

    @contextmanager
    def going(self, status: int = 200) -> Iterator[None]:
        """What is done inside leads to another page, which answers with `status` and is sound."""
        with self.page.expect_navigation() as going:
            yield
        response = going.value
        assert response is not None
        assert response.status == status, f"{response.url}: {response.status}\n{self.page.inner_text('body')[:2000]}"
        self.check()

    def open(self, path: str, status: int = 200) -> "Visitor":
        """Go to an address; returns itself."""
        with self.going(status):
            self.page.goto(path)
        return self

    def press(self, name: str, status: int = 200, within: Locator | None = None) -> "Visitor":
        """Press the button that sends a form; `status` is that of the page one arrives at."""
        with self.going(status):
            (within or self.main).get_by_role("button", name=name, exact=True).click()
        return self

    def follow(self, name: str, status: int = 200, within: Locator | None = None) -> "Visitor":
        """Follow a link of the page, by the beginning of its name."""
        with self.going(status):
            (within or self.main).get_by_role("link", name=re.compile(rf"^\s*{re.escape(name)}")).first.click()
        return self

    def navigate(self, name: str) -> "Visitor":
        """Follow a link of the navigation, out of the menu where it is folded away."""
        if self.size == "phone":
            self.page.locator("summary", has_text="Menu").click()
        return self.follow(name, within=self.page.get_by_role("navigation", name=re.compile("Navigation principale")))

    # Filling in

    @property
    def main(self) -> Locator:
        """The page without its header."""
        return self.page.locator("main")

    def group(self, name: str) -> Locator:
        """Fields that stand under one legend."""
        return self.main.get_by_role("group", name=re.compile(rf"^\s*{re.escape(name)}"))

    def field(self, label: str, within: Locator | None = None) -> Locator:
        """A field by its label, or by its beginning where that is enough."""
        place = within or self.main
        exact = place.get_by_label(label, exact=True)
        return exact if exact.count() else place.get_by_label(re.compile(rf"^\s*{re.escape(label)}"))

    def fill(self, label: str, value: str, within: Locator | None = None) -> "Visitor":
        """Type into a field; returns itself."""
        self.field(label, within).fill(value)
        return self

    def choose(self, label: str, option: str, within: Locator | None = None) -> "Visitor":
        """Choose in a list, by a part of the option's text."""
        found = self.field(label, within)
        text = found.locator("option", has_text=option).first.text_content()
        found.select_option(label=text)
        return self

    def tick(self, label: str, within: Locator | None = None) -> "Visitor":
        """Tick a box or a radio button."""
        self.field(label, within).check()
        return self

    def unfold(self, name: str) -> "Visitor":
        """Open what is folded, and find the page sound with it."""
        self.main.locator("summary", has_text=name).first.click()
        self.check()
        return self

    # Reading

    def sees(self, *texts: str | re.Pattern[str]) -> "Visitor":
        """These stand on the page; returns itself."""
        for text in texts:
            expect(self.main).to_contain_text(text)
        return self

    def misses(self, *texts: str) -> "Visitor":
        """These do not stand on the page."""
        for text in texts:
            expect(self.main).not_to_contain_text(text)
        return self


Arrive = Callable[..., Visitor]
