"""Journey of what is said about a dossier out of its carrier's sight: internal notes, comments of other instances."""

import re

from marshmallow import fields

from states.dossier import ANIMATOR, DOSSIER
from states.words import N_
from workflow.access import associated_among, colleagues
from workflow.acts import Act, Case
from workflow.errors import Invalid
from workflow.forms import LONG, Form, Reference, Text
from workflow.models import InstanceComment, InternalNote, NoteMention
from workflow.plain import plain


class NoteForm(Form):
    """A note, and whom to tell of it; who is named in it as « @Name » is told as well."""

    body = Text(N_("Votre note"), longest=LONG, required=True)
    mentions = fields.List(
        Reference("", "colleagues"),
        load_default=list,
        metadata={"label": N_("Prévenir"), "widget": "checkboxes", "choices": "colleagues"},
    )


def _write_note(case: Case) -> None:
    people = {row.id: row.name for row in case.session.execute(colleagues(case.dossier.id, case.dossier.instance_id))}
    chosen = set(case.data["mentions"])
    if not chosen <= people.keys():
        raise Invalid({"mentions": [N_("Choisissez dans la liste.")]})
    note = InternalNote(dossier_id=case.dossier.id, author_id=case.person_id, body=case.data["body"], at=case.now)
    case.session.add(note)
    case.session.flush()
    told = sorted((chosen | _named(note.body, people)) - {case.person_id})
    case.session.add_all(NoteMention(note_id=note.id, person_id=person_id) for person_id in told)
    case.details |= {"note": note.id, "told": [people[person_id] for person_id in told]}
    case.payload |= {"mark": note.id, "mentioned": told}


def _named(body: str, people: dict[int, str]) -> set[int]:
    """Who is written as « @Name », in any case and without its accents; of two names the longer is meant."""
    text, found = plain(body), set()
    for person_id, name in sorted(people.items(), key=lambda item: -len(item[1])):
        text, times = re.subn(rf"@{re.escape(plain(name))}(?!\w)", "", text)
        if times:
            found.add(person_id)
    return found


class CommentForm(Form):
    """What an associated instance wants to be known."""

    body = Text(N_("Votre commentaire"), longest=LONG, required=True)


def _comment(case: Case) -> None:
    """Somebody who animates several of the associated instances speaks for the first."""
    instance = case.session.scalar(associated_among(case.dossier.id, case.actor.instances(ANIMATOR)))
    comment = InstanceComment(
        dossier_id=case.dossier.id,
        instance_id=instance,
        author_id=case.person_id,
        body=case.data["body"],
        at=case.now,
    )
    case.session.add(comment)
    case.session.flush()
    case.details["comment"] = comment.id
    case.payload["mark"] = comment.id


ACTS = (
    Act("write_note", DOSSIER, NoteForm, _write_note, versioned=False),
    Act("comment", DOSSIER, CommentForm, _comment, versioned=False),
)
