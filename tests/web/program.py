"""A program that uses the API with the personal token of one of the world's people."""

from itertools import count
from typing import Any

from werkzeug.test import TestResponse

from tests.factories import NOW
from tests.web.conftest import Town
from workflow.use_cases import tokens

API = "/api/v1"
_keys = count(1)


def token(town: Town, who: str, *scopes: str) -> str:
    """A token of one of the world's people; both scopes where none is named."""
    with town.database.write() as session:
        raw = {"label": "essai", "scopes": list(scopes) or ["read", "write"]}
        return tokens.create_token(session, town.world.actor(session, who), raw, NOW)[1]


class Program:
    """Sends requests as a program would; every JSON refusal must have the one shape."""

    def __init__(self, town: Town, who: str, *scopes: str) -> None:
        self.client = town.app.test_client(use_cookies=False)
        self.headers = {"Authorization": f"Bearer {token(town, who, *scopes)}"}

    def send(self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> TestResponse:
        """Send one request below the API's prefix, or to a whole address that an answer gave."""
        url = path if path.startswith(API) else API + path
        answer = self.client.open(url, method=method, headers={**self.headers, **(headers or {})}, **options)
        if answer.status_code >= 400 and method != "HEAD":
            assert answer.json is not None, f"{method} {path}: {answer.text[:200]}"
            assert answer.json["status"] == answer.status_code
            assert {"error", "status", "message", "reasons"} <= set(answer.json), answer.json
            assert all(set(reason) == {"code", "message", "remedy"} for reason in answer.json["reasons"])
            assert "%(" not in answer.text
        return answer

    def get(self, path: str, **query: Any) -> TestResponse:
        """GET."""
        return self.send("GET", path, query_string=query)

    def read(self, path: str, **query: Any) -> Any:
        """The JSON of what must be there."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json

    def fire(
        self, where: str, event: str, version: int | None = None, key: str | None = None, **data: Any
    ) -> TestResponse:
        """POST an act, with a key of its own unless one is given."""
        body = {"data": data} | ({"version": version} if version is not None else {})
        headers = {"Idempotency-Key": key or f"key-{next(_keys)}"}
        return self.send("POST", f"{where}/events/{event}", headers, json=body)
