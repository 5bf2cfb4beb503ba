"""Messages as pages: the same words, and nothing of what people typed is run."""

from html.parser import HTMLParser

from notifications.messages.html import page

TEXT = """Bonjour,

Avis à rendre :

- 2027-0001, « Ateliers <script>alert(1)</script> » :
  pour le vendredi
  https://binome.example/dossiers/1
- 2027-0002

> Un motif
> en deux lignes

Le dossier :
https://binome.example/dossiers/2

-- \nBinôme
https://binome.example
"""


class Read(HTMLParser):
    """The elements, the words and the links of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words += f"{data} "


def test_the_page_says_what_the_text_says() -> None:
    read = Read(page("Rappels & dates", TEXT, "fr"))
    assert read.tags.count("li") == 2
    assert read.tags.count("blockquote") == 1
    assert "script" not in read.tags
    assert "<script>alert(1)</script>" in read.words
    assert read.links == [
        "https://binome.example/dossiers/1",
        "https://binome.example/dossiers/2",
        "https://binome.example",
    ]
    said = " ".join(read.words.split())
    for line in ("Bonjour,", "pour le vendredi", "Un motif", "en deux lignes", "Le dossier", "Rappels & dates"):
        assert line in said
    assert "> " not in said.replace("</script> ", "")


def test_an_attribute_cannot_be_left() -> None:
    read = Read(page("x", 'Le dossier :\nhttps://binome.example/"onmouseover="alert(1)', "en"))
    assert read.links == ['https://binome.example/"onmouseover="alert(1)']
    assert 'lang="en"' in page("x", "y", "en")
