"""A carrier's pages: their list, the deposit form that keeps everything typed, the receipt, their acts."""

from tests.web.conftest import Town


def test_smoke(town: Town) -> None:
    town.walk().funded()
    town.walk().submitted()
    walk = town.walk().draft()
    browser = town.browser("carrier")
    browser.page("/mes-dossiers")
    browser.page("/mes-dossiers/nouveau")
    for step in ("organisation", "action", "public", "budget", "requests", "attestation"):
        browser.page(f"/mes-dossiers/{walk.dossier_id}/formulaire/{step}")
