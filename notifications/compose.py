"""From a row of the outbox to the message that goes out, or to nothing where it no longer makes sense."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from notifications import reminders
from notifications.channels.base import Mail
from notifications.messages import one_line, render
from notifications.messages.html import page
from notifications.reminders.content import content
from workflow import campaigns, links
from workflow.models import Dossier, Expert, FundingRequest, Institution, Outbox, Person, RefusedAddress, SecretLink
from workflow.settings import Settings


@dataclass(frozen=True, slots=True)
class MailedLink:
    """What a message's own link is for, and where the pages have it."""

    purpose: str
    path: str


LINKS: Mapping[str, MailedLink] = {
    "receipt": MailedLink("tracking", "suivi"),
    "consultation_asked": MailedLink("expert", "expert"),
    "consultation_extended": MailedLink("expert", "expert"),
    "colleague_refused": MailedLink("expert", "expert"),
    "invitation": MailedLink("invitation", "invitation"),
    "password_reset": MailedLink("reset", "mot-de-passe"),
}
"""Messages that carry a link of their own; its token is made when the message goes."""

USELESS_WITHOUT_LINK = frozenset(LINKS) - {"receipt"}


FORMER_KINDS = frozenset(
    f"{about}_{when}" for about in ("opinion", "completion", "report") for when in ("due", "overdue")
)
"""Reminders as they were written before there were digests; some may still wait."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Why a message is not sent."""

    why: str


REFUSED = "the server of this address refused it before"


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why a message cannot be sent until somebody mends it."""

    why: str


def compose(
    session: Session, settings: Settings, ids: Sequence[int], now: datetime
) -> Iterator[Mail | Dropped | Blocked]:
    """The messages of some rows, in the order of `ids`, as things stand now.

    Raises jinja2.TemplateError or KeyError at one whose row does not hold what its text needs.
    """
    found = session.execute(
        select(Outbox, Person, Dossier, RefusedAddress)
        .outerjoin(Person, Person.id == Outbox.person_id)
        .outerjoin(Dossier, Dossier.id == Outbox.dossier_id)
        .outerjoin(RefusedAddress, RefusedAddress.address == func.lower(func.coalesce(Person.email, Outbox.address)))
        .where(Outbox.id.in_(ids))
        .options(joinedload(Dossier.organisation), joinedload(Dossier.instance))
    )
    rows = {row.Outbox.id: row for row in found}
    for outbox_id in ids:
        yield _mail(session, settings, now, *rows[outbox_id])


def _mail(
    session: Session,
    settings: Settings,
    now: datetime,
    row: Outbox,
    person: Person | None,
    dossier: Dossier | None,
    refused: RefusedAddress | None,
) -> Mail | Dropped | Blocked:
    if person is not None and not person.active:
        return Dropped("account closed")
    if row.kind in FORMER_KINDS:
        return Dropped("planned anew by the rules of reminders")
    link = _live_link(session, row, now)
    if link is None and row.kind in USELESS_WITHOUT_LINK:
        return Dropped("link ended")
    if refused is not None:
        return Blocked(REFUSED)
    locale = person.locale if person else settings.locale
    values = context(session, settings, row, dossier, link)
    if row.kind in reminders.KINDS:
        values |= content(session, row.id, values["base_url"], now)
        if not values["groups"]:
            return Dropped("done meanwhile, or due on another day")
    if person is not None and row.kind in reminders.KINDS:
        values["unsubscribe"] = f"{values['base_url']}/desabonnement/{links.token(person.id, links.UNSUBSCRIBE)}"
    subject, body = render(row.kind, locale, values)
    return Mail(
        outbox_id=row.id,
        identity=hashlib.sha256(row.key.encode()).hexdigest()[:40],
        name=one_line(person.name if person else _expert_name(session, row)),
        address=person.email if person else row.address or "",
        locale=locale,
        subject=subject,
        body=body,
        html=page(subject, body, locale),
        unsubscribe=values.get("unsubscribe", ""),
    )


def context(
    session: Session, settings: Settings, row: Outbox, dossier: Dossier | None, link: SecretLink | None
) -> dict[str, Any]:
    """What the text of a message may name."""
    base = settings.base_url.rstrip("/")
    values: dict[str, Any] = {**row.payload, "base_url": base}
    if dossier is not None:
        values |= {
            "number": dossier.number or "",
            "title": one_line(dossier.title),
            "carrier": one_line(dossier.organisation.name),
            "instance": dossier.instance.label if dossier.instance else "",
            "dates": campaigns.dates(session, dossier.campaign_id),
            "link": f"{base}/dossiers/{dossier.id}",
        }
    if link is not None:
        mailed = LINKS[row.kind]
        values["private_link"] = f"{base}/{mailed.path}/{links.token(link.id, mailed.purpose)}"
    if dossier is not None and row.kind in _MORE:
        values |= _MORE[row.kind](session, dossier)
    return values


def _live_link(session: Session, row: Outbox, now: datetime) -> SecretLink | None:
    mailed = LINKS.get(row.kind)
    if mailed is None or row.payload.get("link_id") is None:
        return None
    return session.scalar(
        select(SecretLink).where(
            SecretLink.id == row.payload["link_id"],
            SecretLink.purpose == mailed.purpose,
            SecretLink.ended_at.is_(None),
            or_(SecretLink.expires_at.is_(None), SecretLink.expires_at > now),
        )
    )


def _expert_name(session: Session, row: Outbox) -> str:
    return session.scalar(select(Expert.name).where(Expert.email == row.address)) or ""


def _granted(session: Session, dossier: Dossier) -> dict[str, Any]:
    """What each funder granted, for the carrier's notification."""
    rows = session.execute(
        select(Institution.label, FundingRequest.granted_cents)
        .join(FundingRequest.funder)
        .where(FundingRequest.dossier_id == dossier.id, FundingRequest.decision == "granted")
        .order_by(Institution.label)
    )
    return {"granted": [(label, cents) for label, cents in rows]}


_MORE: Mapping[str, Callable[[Session, Dossier], dict[str, Any]]] = {"funded": _granted}
"""What some texts name beyond the dossier and the row."""
