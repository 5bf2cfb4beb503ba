"""Journey of a question to an expert: asked, answered or not, prolonged, taken back, and what comes too late."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import func, select, update

from states.consultation import CONSULTATION
from states.dossier import DOSSIER
from states.words import N_
from workflow import files, links
from workflow.acts import Act, Case
from workflow.errors import Invalid, NotFound
from workflow.forms import LONG, Choice, Day, Form, Reference, Text, reason
from workflow.models import Consultation, Document, Expert, JournalEntry, SecretLink
from workflow.use_cases import directory
from workflow.use_cases.intake import Reasoned
from workflow.use_cases.people import EmailAddress

MOST_EXPERTS = 5
"""Experts who are asked at a time."""


class ConsultationForm(Form):
    """Experts of the directory, or a new one; the precise point; by when; the documents that they may read."""

    expert_ids = fields.List(
        Reference("", "experts"),
        load_default=list,
        validate=validate.Length(max=MOST_EXPERTS, error=N_("Cinq experts au plus à la fois.")),
        metadata={"label": N_("Experts de l'annuaire"), "widget": "checkboxes", "choices": "experts"},
    )
    documents = fields.List(
        Reference("", "documents"),
        load_default=list,
        metadata={"label": N_("Documents montrés à l'expert"), "widget": "checkboxes", "choices": "documents"},
    )
    expert_name = Text(N_("Ou un nouvel expert : nom ou fonction"), load_default="")
    expert_email = fields.Email(
        load_default="",
        metadata={"label": N_("Son adresse électronique"), "widget": "email"},
        error_messages={"invalid": N_("Adresse électronique non valable.")},
    )
    question = Text(N_("Question précise"), longest=LONG, load_default="")
    due_on = Day(N_("Réponse attendue le"), load_default=None)

    def load(self, data: Any, **options: Any) -> Any:
        """An expert not chosen, or an address not typed, is none."""
        if isinstance(data, Mapping):
            data = {k: v for k, v in data.items() if not (k in ("expert_email", "due_on") and v == "")}
        return super().load(data, **options)


def _consult_expert(case: Case) -> None:
    data = case.data
    experts = _experts(case)
    documents = _shown(case)
    question = {"question": data["question"], "due_on": data["due_on"], "documents": documents}
    asked = [_ask(case, expert, **question) for expert in experts]
    case.due_on = (
        max(data["due_on"], case.dossier.due_on)
        if case.dossier.state == "expert_consulted" and case.dossier.due_on
        else data["due_on"]
    )
    case.details |= {
        "expert": ", ".join(expert.name for expert in experts),
        "consultation": case.result.id,
        "documents": [document.filename for document in documents],
    }
    case.payload |= {"question": data["question"], "due_on": data["due_on"].isoformat(), "each": asked}


def _ask(case: Case, expert: Expert, **question: Any) -> dict[str, Any]:
    """Put a question to one expert, by a link of their own; returns what their message needs."""
    consultation = Consultation(
        dossier_id=case.dossier.id, expert_id=expert.id, asked_by_id=case.person_id, asked_at=case.now, **question
    )
    case.session.add(consultation)
    case.session.flush()
    link = links.make(case.session, "expert", {"consultation_id": consultation.id}, case.now)
    case.result = consultation
    return {"expert_id": expert.id, "link_id": link.id, "mark": consultation.id}


def _experts(case: Case) -> list[Expert]:
    """Those chosen in the directory, and the one typed. Raises Invalid for none, or for one that is not there."""
    data = case.data
    chosen = set(data["expert_ids"])
    found = list(case.session.scalars(select(Expert).where(Expert.id.in_(chosen)).order_by(Expert.id)))
    if len(found) != len(chosen):
        raise Invalid({"expert_ids": [N_("Choisissez dans la liste.")]})
    typed = _expert_by_address(case)
    if typed is not None and typed not in found:
        found.append(typed)
    if not found:
        raise Invalid({"expert_ids": [N_("Choisissez un expert, ou donnez le nom et l'adresse d'un nouveau.")]})
    return found


def _shown(case: Case) -> list[Document]:
    wanted = set(case.data["documents"])
    found = list(
        case.session.scalars(select(Document).where(Document.id.in_(wanted), Document.dossier_id == case.dossier.id))
        if wanted
        else ()
    )
    if len(found) != len(wanted):
        raise Invalid({"documents": [N_("Choisissez dans la liste.")]})
    return found


def _expert_by_address(case: Case) -> Expert | None:
    email = case.data["expert_email"].lower()
    return directory.entry(case.session, case.data["expert_name"], email, case.now) if email else None


def _consultation(case: Case) -> Consultation:
    if not isinstance(case.subject, Consultation):
        raise NotFound("consultation")
    return case.subject


STANCE_LABELS = {
    "favourable": N_("Favorable"),
    "with_reservations": N_("Favorable avec réserves"),
    "unfavourable": N_("Défavorable"),
    "cannot_say": N_("Je ne peux pas me prononcer"),
}


class Answer(Form):
    """What is answered."""

    answer = Text(N_("Votre réponse"), longest=LONG, load_default="")


class ExpertNote(Answer):
    """What an expert writes, and a file with it (a `workflow.files.Upload`) where they want."""

    file = fields.Raw(load_default=None, metadata={"label": N_("Fichier joint"), "widget": "file"})


class ExpertAnswer(ExpertNote):
    """What an expert answers: on the whole, and why."""

    stance = Choice(N_("Sur ce point, votre avis est"), STANCE_LABELS, required=True)


def _answer(case: Case) -> None:
    consultation = _consultation(case)
    consultation.stance, consultation.answer = case.data["stance"], case.data["answer"]
    _keep_file(case, consultation)
    _end(case, consultation)


def _note(case: Case) -> None:
    """An answer that comes too late is kept beside the question, and waits for nobody: the life goes on."""
    consultation = _consultation(case)
    consultation.note, consultation.noted_at = case.data["answer"], case.now
    _keep_file(case, consultation)
    case.payload |= {"expert_id": consultation.expert_id, "mark": f"{consultation.id}-note"}
    _close_links(case, consultation)


def _keep_file(case: Case, consultation: Consultation) -> None:
    """Keep what came with the text. Raises Invalid (field `file`) when it is not accepted."""
    upload = case.data["file"]
    if upload is None:
        return
    if not isinstance(upload, files.Upload):
        raise Invalid({"file": [N_("Choisissez un fichier.")]})
    kept = files.store(upload)
    consultation.file_name, consultation.file_type = kept.filename, kept.media_type
    consultation.file_size, consultation.file_sha256 = kept.size, kept.sha256
    case.details |= {"filename": kept.filename, "sha256": kept.sha256}


class Extension(Form):
    """Until when the question stays open."""

    due_on = Day(N_("Réponse attendue le"), required=True)


def _extend(case: Case) -> None:
    """A later day for one question; the dossier waits for the last of its open ones."""
    consultation, day = _consultation(case), case.data["due_on"]
    if day <= consultation.due_on:
        raise Invalid({"due_on": [N_("Choisissez un jour après l'échéance actuelle.")]})
    case.details["due_on"] = {"before": consultation.due_on.isoformat(), "after": day.isoformat()}
    consultation.due_on = day
    dossier = case.dossier
    if dossier.due_on is not None and day > dossier.due_on:
        dossier.due_on, dossier.due_version, dossier.due_since = day, dossier.due_version + 1, case.now
    dossier.reminders_planned = False
    case.payload |= _by_link(case, consultation) | {"mark": f"{consultation.id}-{day}"}


def _by_link(case: Case, consultation: Consultation) -> dict[str, Any]:
    """What a message about an open question needs besides its mark."""
    link = select(func.max(SecretLink.id)).where(SecretLink.consultation_id == consultation.id)
    return {
        "expert_id": consultation.expert_id,
        "link_id": case.session.scalar(link),
        "due_on": consultation.due_on.isoformat(),
    }


# --- to a colleague --------------------------------------------------------------------------------------------------


class Colleague(Form):
    """Who might answer instead, and why they rather."""

    colleague_name = Text(N_("Son nom ou sa fonction"), required=True)
    colleague_email = EmailAddress(N_("Son adresse électronique"), required=True)
    reason = reason(N_("Pourquoi cette personne"))


def _propose_colleague(case: Case) -> None:
    """The question stays open while the binôme has not said yes or no. Raises Invalid for one's own address."""
    consultation, data = _consultation(case), case.data
    if data["colleague_email"] == consultation.expert.email:
        raise Invalid({"colleague_email": [N_("C'est votre propre adresse : donnez celle de votre collègue.")]})
    consultation.colleague_name, consultation.colleague_email = data["colleague_name"], data["colleague_email"]
    consultation.colleague_why, consultation.colleague_refusal = data["reason"], None
    case.payload["mark"] = f"{consultation.id}-{_times(case, 'propose_colleague')}"


def _hand_over(case: Case) -> None:
    """The colleague gets the same question with the same documents and day; the first link ends with this."""
    first = _consultation(case)
    name, email = first.colleague_name or "", first.colleague_email or ""
    expert = directory.entry(case.session, name, email, case.now)
    if expert is None:
        raise NotFound("expert")
    question = {"question": first.question, "due_on": first.due_on, "documents": list(first.documents)}
    case.payload["colleague"] = [_ask(case, expert, **question, handed_from_id=first.id)]
    case.payload |= {"question": first.question, "due_on": first.due_on.isoformat()}
    case.details |= {"expert": expert.name, "consultation": case.result.id}
    case.dossier.reminders_planned = False
    _end(case, first)


def _refuse_colleague(case: Case) -> None:
    consultation, why = _consultation(case), case.data["reason"]
    _forget_colleague(consultation)
    consultation.colleague_refusal = why
    mark = f"{consultation.id}-{_times(case, 'refuse_colleague')}"
    case.payload |= _by_link(case, consultation) | {"reason": why, "mark": mark}


def _times(case: Case, act: str) -> int:
    """How often `act` was done on the question before: a message about one time is not one about another."""
    done = select(func.count()).where(
        JournalEntry.dossier_id == case.dossier.id,
        JournalEntry.subject == f"consultation:{case.subject.id}",
        JournalEntry.act == act,
    )
    return case.session.scalar(done) or 0


def _forget_colleague(consultation: Consultation) -> None:
    """Who was proposed is known as long as they may still be asked."""
    consultation.colleague_name = consultation.colleague_email = consultation.colleague_why = None


# --- how it ends -----------------------------------------------------------------------------------------------------


def _decline(case: Case) -> None:
    consultation = _consultation(case)
    consultation.reason = case.data["reason"]
    _end(case, consultation)


def _expire(case: Case) -> None:
    """The link stays open, for a note."""
    consultation = _consultation(case)
    _forget_colleague(consultation)
    consultation.ended_at = case.now
    case.payload |= {"expert_id": consultation.expert_id, "mark": consultation.id}


def _end(case: Case, consultation: Consultation) -> None:
    consultation.ended_at = case.now
    _forget_colleague(consultation)
    case.payload |= {"expert_id": consultation.expert_id, "mark": consultation.id}
    _close_links(case, consultation)


def _close_links(case: Case, consultation: Consultation) -> None:
    case.session.execute(
        update(SecretLink).where(SecretLink.consultation_id == consultation.id).values(ended_at=case.now)
    )


ACTS = (
    Act("consult_expert", DOSSIER, ConsultationForm, _consult_expert),
    Act("close_consultations", DOSSIER),
    Act("answer", CONSULTATION, ExpertAnswer, _answer, versioned=False),
    Act("extend", CONSULTATION, Extension, _extend, versioned=False),
    Act("note", CONSULTATION, ExpertNote, _note, versioned=False),
    Act("propose_colleague", CONSULTATION, Colleague, _propose_colleague, versioned=False),
    Act("hand_over", CONSULTATION, Form, _hand_over, versioned=False),
    Act("refuse_colleague", CONSULTATION, Reasoned, _refuse_colleague, versioned=False),
    Act("decline", CONSULTATION, Reasoned, _decline, versioned=False),
    Act("expire", CONSULTATION, Form, _expire, versioned=False),
    Act("revoke", CONSULTATION, Reasoned, _decline, versioned=False),
)
