"""Journey of what is missing: asked of the carrier, answered, accepted or returned piece by piece."""

from typing import Any

from marshmallow import fields
from sqlalchemy import select

from states.dossier import DOSSIER
from states.words import N_
from workflow.acts import Act, Case
from workflow.errors import Invalid, NotFound
from workflow.forms import LONG, Choice, Day, Form, Lines, Text
from workflow.models import Document, Piece
from workflow.use_cases.documents import keep


class CompletionRequest(Form):
    """Which pieces or precisions are missing, and by when."""

    pieces = Lines(N_("Pièces ou précisions demandées"), load_default=list, metadata={"help": N_("Une par ligne")})
    due_on = Day(N_("Réponse attendue le"), load_default=None)


def _request_completion(case: Case) -> None:
    pieces, due_on = case.data["pieces"], case.data["due_on"]
    case.session.add_all(
        Piece(dossier_id=case.dossier.id, label=label, asked_at=case.now, asked_by_id=case.person_id, due_on=due_on)
        for label in pieces
    )
    case.due_on = due_on
    case.details["pieces"] = pieces
    case.payload |= {"pieces": pieces, "due_on": due_on.isoformat()}


class PieceAnswer(Form):
    """The answer to one demand, kept until the whole is sent."""

    piece_id = fields.Integer(required=True)
    answer = Text(N_("Votre réponse"), longest=LONG, required=True)
    document_id = fields.Integer(load_default=None, allow_none=True)


def _answer_piece(case: Case) -> None:
    _answer(case, case.data["piece_id"], case.data["answer"], case.data["document_id"])


def _answer(case: Case, piece_id: int, answer: str, document_id: int | None = None) -> None:
    piece = case.session.get(Piece, piece_id)
    if piece is None or piece.dossier_id != case.dossier.id:
        raise NotFound("piece")
    if document_id is not None:
        document = case.session.get(Document, document_id)
        if document is None or document.dossier_id != case.dossier.id:
            raise NotFound("document")
        piece.document_id = document_id
    piece.answer, piece.answered_at = answer, case.now


class Completion(Form):
    """The answers that are still missing: {piece id: answer}, {piece id: file} (`workflow.files.Upload`)."""

    answers = fields.Dict(
        keys=fields.Integer(),
        values=Text("", longest=LONG),
        load_default=dict,
        metadata={"label": N_("Vos réponses"), "widget": "answers"},
    )
    files = fields.Dict(
        keys=fields.Integer(),
        values=fields.Raw(),
        load_default=dict,
        metadata={"label": N_("Documents joints à vos réponses"), "widget": "hidden"},
    )


def _complete(case: Case) -> None:
    attached = {piece_id: _attached(case, piece_id, upload) for piece_id, upload in case.data["files"].items()}
    if attached:
        case.details["documents"] = {document.id: document.sha256 for document in attached.values()}
    for piece_id, document in attached.items():
        _answer(case, piece_id, case.data["answers"].get(piece_id) or document.filename, document.id)
    for piece_id, answer in case.data["answers"].items():
        if answer and piece_id not in attached:
            _answer(case, piece_id, answer)


def _attached(case: Case, piece_id: int, upload: Any) -> Document:
    try:
        return keep(case, "other", upload)
    except Invalid as error:
        raise Invalid({"files": {str(piece_id): error.fields["file"]}}) from error


PIECE_VERDICT_LABELS = {"accepted": N_("Accepter"), "returned": N_("Retourner avec un mot")}


class Review(Form):
    """Which answers are accepted, which are returned and why: {piece id: verdict}, {piece id: word}; and by when."""

    verdicts = fields.Dict(
        keys=fields.Integer(),
        values=Choice("", PIECE_VERDICT_LABELS),
        load_default=dict,
        metadata={"label": N_("Réponses"), "widget": "hidden"},
    )
    words = fields.Dict(
        keys=fields.Integer(),
        values=Text("", longest=LONG),
        load_default=dict,
        metadata={"label": N_("Votre mot"), "widget": "hidden"},
    )
    due_on = Day(N_("Nouvelle réponse attendue le"), load_default=None)


def _review_pieces(case: Case) -> None:
    """A returned answer stays as it was given; its demand is put once more, with what is wrong."""
    verdicts, words = case.data["verdicts"], case.data["words"]
    waiting = select(Piece).where(
        Piece.dossier_id == case.dossier.id, Piece.answered_at.is_not(None), Piece.judged_at.is_(None)
    )
    pieces = {piece.id: piece for piece in case.session.scalars(waiting.order_by(Piece.id))}
    if not verdicts:
        raise Invalid({"verdicts": [N_("Acceptez ou retournez au moins une réponse.")]})
    strange = {str(one): [N_("Cette réponse a déjà été examinée.")] for one in verdicts.keys() - pieces.keys()}
    wordless = {
        str(one): [N_("Dites au porteur ce qui ne va pas.")]
        for one, verdict in verdicts.items()
        if verdict == "returned" and not words.get(one)
    }
    if strange or wordless:
        raise Invalid({name: wrong for name, wrong in (("verdicts", strange), ("words", wordless)) if wrong})
    told: dict[str, list[dict[str, str]]] = {"accepted": [], "returned": []}
    for piece_id, verdict in sorted(verdicts.items()):
        piece = pieces[piece_id]
        piece.verdict, piece.word, piece.judged_at = verdict, words.get(piece_id) or None, case.now
        told[verdict].append({"label": piece.label, "word": piece.word or ""})
        if verdict == "returned":
            case.session.add(
                Piece(
                    dossier_id=case.dossier.id,
                    label=piece.label,
                    asked_at=case.now,
                    asked_by_id=case.person_id,
                    due_on=case.data["due_on"],
                    follows_id=piece.id,
                )
            )
    if told["returned"]:
        case.due_on = case.data["due_on"]
        case.payload["due_on"] = case.due_on.isoformat()
    case.details |= told
    case.payload |= told


ACTS = (
    Act("request_completion", DOSSIER, CompletionRequest, _request_completion),
    Act("answer_piece", DOSSIER, PieceAnswer, _answer_piece, versioned=False, quiet=True),
    Act("complete", DOSSIER, Completion, _complete),
    Act("review_pieces", DOSSIER, Review, _review_pieces),
)
