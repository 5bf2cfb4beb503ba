"""Steps of the deposit: draft, deposit, completion, admissibility, routing, messages, withdrawal."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import select

from workflow.demo.paper import pdf
from workflow.demo.story import Line, Story
from workflow.files import Upload
from workflow.models import FundingRequest, Institution, Piece
from workflow.use_cases.documents import DOCUMENT_LABELS
from workflow.use_cases.intake import allow_late_deposit, create

_FIRST_FIELDS = ("title", "objective_id", "level", "commune_id", "need", "summary")
_KINDS = ("bank_details", "statutes", "accounts", "quote")


def _open(story: Story) -> None:
    """Create the draft, and say what is proposed."""
    with story.stage.database.write() as session:
        dossier = create(
            session, story.carrier.actor, story.carrier.organisation_id, story.campaign_id, story.stage.now
        )
        story.dossier_id, story.state = dossier.id, dossier.state
    values = {name: story.form[name] for name in _FIRST_FIELDS}
    story.act(story.carrier.actor, "edit_draft", step="action", values=values)


def _fill(story: Story) -> None:
    """The rest of the form, and some documents."""
    values = {name: value for name, value in story.form.items() if name not in _FIRST_FIELDS}
    story.act(story.carrier.actor, "edit_draft", values=values)
    for kind in story.stage.rng.sample(_KINDS, story.stage.rng.choice((0, 1, 1, 2))):
        upload = Upload(f"{kind}.pdf", pdf(f"{DOCUMENT_LABELS[kind]} - document d'exemple"))
        attached = story.act(story.carrier.actor, "attach_document", kind=kind, file=upload).result
        if kind == "accounts":
            corrected = Upload(f"{kind}-2.pdf", pdf(f"{DOCUMENT_LABELS[kind]} - document d'exemple, version 2"))
            story.act(story.carrier.actor, "attach_document", replaces_id=attached.id, file=corrected)


def _derogate(story: Story) -> None:
    """The animator of the home instance allows a late deposit."""
    animator = story.world.cast.teams[story.world.home].animator
    day = story.stage.until if story.upcoming is None else story.upcoming.date()
    raw = {
        "organisation_id": story.carrier.organisation_id,
        "campaign_id": story.campaign_id,
        "until": (day + timedelta(days=15)).isoformat(),
        "reason": story.stage.say("derogation"),
    }
    with story.stage.database.write() as session:
        allow_late_deposit(session, animator, raw, story.stage.now)


def _submit(story: Story) -> None:
    case = story.act(story.carrier.actor, "submit", attested=True)
    if case.dossier.instance_id is not None:
        story.team = story.world.cast.team_of(case.dossier.instance_id)
    with story.stage.database.read() as session:
        rows = session.execute(
            select(FundingRequest.id, Institution.funder_code, FundingRequest.asked_cents)
            .join(FundingRequest.funder)
            .where(FundingRequest.dossier_id == story.dossier_id)
            .order_by(FundingRequest.id)
        )
        story.lines = [Line(row.id, row.funder_code or "", row.asked_cents) for row in rows]


def _ask(story: Story) -> None:
    """The animator asks for two or three missing pieces."""
    pieces = story.stage.rng.sample(story.stage.texts["pieces"], story.stage.rng.randint(2, 3))
    story.act(story.led.animator, "request_completion", pieces=pieces, due_on=story.due(2, 15))


def _pieces(story: Story) -> list[int]:
    with story.stage.database.read() as session:
        open_pieces = select(Piece.id).where(Piece.dossier_id == story.dossier_id, Piece.answered_at.is_(None))
        return list(session.scalars(open_pieces.order_by(Piece.id)))


def _answer(story: Story) -> None:
    """The carrier answers one demand."""
    piece = _pieces(story)[0]
    story.act(story.carrier.actor, "answer_piece", piece_id=piece, answer=story.stage.say("piece_answers"))


def _complete(story: Story) -> None:
    answers = {str(piece): story.stage.say("piece_answers") for piece in _pieces(story)}
    story.act(story.carrier.actor, "complete", answers=answers)


def _review(story: Story) -> None:
    """The animator accepts every answer."""
    with story.stage.database.read() as session:
        pieces = session.scalars(select(Piece.id).where(Piece.dossier_id == story.dossier_id).order_by(Piece.id))
        verdicts = {str(piece): "accepted" for piece in pieces}
    story.act(story.led.animator, "review_pieces", verdicts=verdicts)


def _inadmissible(story: Story) -> None:
    story.act(story.led.animator, "declare_inadmissible", reason=story.stage.say("inadmissible"))


def _uphold(story: Story) -> None:
    """An appeal is upheld: what was decided is open again."""
    story.act(story.led.animator, "appeal_upheld", reason=story.stage.say("upheld"))
    for line in story.lines:
        line.decided, line.granted = False, 0


def _reroute(story: Story) -> None:
    """The animator sends the dossier to another instance."""
    others = [team for team in story.world.cast.teams.values() if team is not story.team]
    other = story.stage.rng.choice(others)
    story.act(story.led.animator, "reroute", instance_id=other.instance_id, reason=story.stage.say("reroute"))
    story.team, story.binome = other, []


def _refer(story: Story) -> None:
    """The transversal committee gives an instance to a dossier that no rule routed."""
    team = story.world.cast.teams[story.world.home]
    story.act(story.world.cast.transversal[0], "reroute", instance_id=team.instance_id, reason=story.stage.say("refer"))
    story.team = team


def _message(story: Story) -> None:
    story.act(story.carrier.actor, "send_message", body=story.stage.say("messages"))


def _reply_message(story: Story) -> None:
    author = story.binome[0] if story.binome else story.led.animator
    story.act(author, "send_message", body=story.stage.say("replies"))


def _confer(story: Story) -> None:
    """A member of the binôme writes to the other and to the animator."""
    author, other = story.binome
    told = [other.person_id, story.led.animator.person_id]
    story.act(author, "write_note", body=story.stage.say("notes"), mentions=told)


def _withdraw(story: Story) -> None:
    story.act(story.carrier.actor, "withdraw", reason=story.stage.say("withdrawn"))


STEPS: Mapping[str, Callable[[Story], None]] = {
    "open": _open,
    "fill": _fill,
    "derogate": _derogate,
    "submit": _submit,
    "ask": _ask,
    "answer": _answer,
    "complete": _complete,
    "review": _review,
    "inadmissible": _inadmissible,
    "uphold": _uphold,
    "uphold_admissible": _uphold,
    "reroute": _reroute,
    "refer": _refer,
    "message": _message,
    "reply_message": _reply_message,
    "confer": _confer,
    "withdraw": _withdraw,
}
