"""Settings, from the environment only. The README's table is made from the descriptions below."""

import secrets
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_SERVER = r"(https://|http://(127\.0\.0\.1|localhost)[:/])[^\s,]+"
_SERVERS = rf"^({_SERVER}(, *{_SERVER})*)?$"


class MissingKey(RuntimeError):
    """Outside the demo no secret key is made up: it must be set."""


class Settings(BaseSettings):
    """What an installation may set; every name is read from the environment with the prefix BINOME_."""

    model_config = SettingsConfigDict(env_prefix="BINOME_")

    instance: Path = Field(Path("instance"), description="Folder of files and keys (created when missing).")
    database_url: str = Field("", description="SQLAlchemy address; by default SQLite in the instance folder.")
    demo: bool = Field(False, description="Demo: generated key, mailbox on the administrator's page, no SMTP.")
    secret_key: SecretStr = Field(SecretStr(""), description="Key of sessions and forms; required outside the demo.")
    base_url: str = Field("http://127.0.0.1:8000", description="Address written in mails, without a final slash.")
    smtp_url: SecretStr = Field(SecretStr(""), description="smtp://user:password@host:port, or smtps:// for TLS.")
    mail_from: str = Field("binome@localhost", description="Sender of mails.")
    max_upload_bytes: int = Field(10 * 1024 * 1024, description="Largest document accepted, in bytes.")
    clamd: str = Field(
        "",
        pattern=r"^(unix:/.+|tcp://.+:\d+)?$",
        description="Virus scanner (clamd) asked before a file is kept: unix:/path or tcp://host:port.",
    )
    beacon: str = Field(
        "",
        pattern=_SERVERS,
        description="Servers of drand, separated by commas, asked for the round that a draw names, e.g."
        " https://api.drand.sh; none: never asked.",
    )
    proxies: int = Field(0, description="Number of trusted reverse proxies in front (for addresses and HTTPS).")
    alsace_moselle: bool = Field(False, description="Count the public holidays of Alsace and Moselle too.")
    locale: str = Field("fr", description="Language of the command line and of pages by default: fr or en.")

    def url(self) -> str:
        """The database's address: the one given, else a SQLite file in the instance folder."""
        return self.database_url or f"sqlite:///{self.instance.resolve() / 'binome.sqlite'}"

    def key(self) -> str:
        """The secret key; in demo it is generated once and kept in the instance folder.

        Raises MissingKey outside the demo when none is set.
        """
        if self.secret_key.get_secret_value():
            return self.secret_key.get_secret_value()
        if not self.demo:
            raise MissingKey("BINOME_SECRET_KEY is required outside the demo")
        file = self.instance / "secret_key"
        if not file.exists():
            self.instance.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(48))
        return file.read_text()


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once."""
    return Settings()
