"""A visitor of the pages: reads them whole, sends forms with their token, signs in."""

from typing import Any

from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from tests.web.pages import Page
from workflow.models import Person

TOKEN = "0" * 40


class Browser:
    """Wraps Flask's test client; every HTML answer is parsed and must hold what every page must hold."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()

    def sign_in(self, person: Person) -> "Browser":
        """Come in as `person`, without the sign-in page; returns itself."""
        with self.client.session_transaction() as session:
            session["_user_id"] = f"{person.id}:{person.credentials_version}"
            session["_fresh"] = True
        return self

    def get(self, url: str, **options: Any) -> TestResponse:
        """GET, not following redirects."""
        return self._checked(self.client.get(url, **options))

    def post(self, url: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """POST with a token against forgery of its own (whatever a read form held), not following redirects."""
        with self.client.session_transaction() as session:
            session["csrf_token"] = TOKEN
        signed = URLSafeTimedSerializer(str(self.app.secret_key), salt="wtf-csrf-token").dumps(TOKEN)
        return self._checked(self.client.post(url, data={**(data or {}), "csrf_token": signed}, **options))

    def page(self, url: str) -> Page:
        """GET a page that must be there."""
        response = self.get(url)
        assert response.status_code == 200, f"{url}: {response.status_code}"
        return Page(response.text)

    def _checked(self, response: TestResponse) -> TestResponse:
        if response.mimetype == "text/html" and response.status_code not in range(300, 400):
            faults = Page(response.text).faults
            assert not faults, f"{response.request.path}: {faults}"
        return response
