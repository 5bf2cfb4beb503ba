"""What the controls of a drawn sample say of the whole campaign: errors found, projected, and concluded upon."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workflow.errors import NotFound
from workflow.models import (
    Campaign,
    Dossier,
    FundingRequest,
    Instance,
    Institution,
    LedgerLine,
    Mission,
    PlanUnit,
    Sample,
    SamplePlan,
    SampleUnit,
)
from workflow.sampling.conclusion import Evaluation, evaluate
from workflow.sampling.errors import BadSampling
from workflow.sampling.projection import Item, Stratum
from workflow.sampling.select import draw
from workflow.sampling_plans import request, units

CONFIDENCE = 0.9
"""How sure the upper limit is."""
TOLERABLE = 0.02
"""The part of what was granted that may be in error: the usual materiality of audits of public funds."""
FOUND = ("findings_sent", "concluded")
"""States of a mission from which on its findings stand."""

Row = Any
"""A named tuple of the columns of a select."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A drawn dossier: what it was granted, and the part of what was charged to it that was refused.

    `tainting` is from 0 to 1, None while its findings do not stand; `by_funder` is granted cents.
    """

    dossier_id: int
    number: str
    title: str
    instance: str
    granted: int
    by_funder: Mapping[str, int]
    charged: int
    refused: int
    tainting: float | None

    @property
    def error(self) -> float:
        """Its error in cents: the refused part, of what was granted."""
        return self.granted * (self.tainting or 0.0)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the sample (a funder or an instance): dossiers controlled, granted cents, cents in error."""

    label: str
    dossiers: int
    granted: int
    error: float

    @property
    def rate(self) -> float:
        """Error over granted."""
        return self.error / self.granted if self.granted else 0.0


@dataclass(frozen=True, slots=True)
class Earlier:
    """The sample of another campaign: how many were controlled, and the error rate of those."""

    sample_id: int
    campaign: str
    controlled: int
    drawn: int
    rate: float | None


@dataclass(frozen=True)
class Result:
    """The sample, what was found in it, and what that says of its population. Sums in cents, projections in euros."""

    sample_id: int
    plan_id: int | None
    campaign: str
    campaign_id: int
    method: str
    population: int
    book_value: int
    drawn: Sequence[Examined]
    evaluation: Evaluation | None
    """None while too few findings stand to project anything."""
    strata: Sequence[Share]
    """Of a stratified sample alone."""
    funders: Sequence[Share]
    instances: Sequence[Share]
    earlier: Sequence[Earlier]

    @property
    def examined(self) -> Sequence[Examined]:
        """Those whose findings stand."""
        return [one for one in self.drawn if one.tainting is not None]

    @property
    def complete(self) -> bool:
        """Whether the findings of every drawn dossier stand."""
        return len(self.examined) == len(self.drawn)


def result(session: Session, sample_id: int) -> Result:
    """The result of a sealed sample. Raises NotFound."""
    sample = session.execute(
        select(Sample, Campaign.label, SamplePlan)
        .join(Campaign, Campaign.id == Sample.campaign_id)
        .outerjoin(SamplePlan, SamplePlan.id == Sample.plan_id)
        .where(Sample.id == sample_id, Sample.purpose == "control", Sample.sealed_at.is_not(None))
    ).first()
    if sample is None:
        raise NotFound("sample")
    drawn = _drawn(session, [sample_id])[sample_id]
    granted = _granted(session, sample_id)
    plan: SamplePlan | None = sample.SamplePlan
    frozen = list(session.scalars(select(PlanUnit).where(PlanUnit.plan_id == plan.id))) if plan else []
    strata = {unit.number: unit.stratum or "" for unit in frozen} if plan and plan.method == "stratified" else {}
    examined = [one for one in drawn if one.tainting is not None]
    return Result(
        sample_id,
        sample.Sample.plan_id,
        sample.label,
        sample.Sample.campaign_id,
        plan.method if plan else "srs",
        len(granted),
        sum(granted.values()),
        drawn,
        _evaluated(plan, frozen, strata, examined, granted),
        _shares((strata[one.number], one.granted, one.error) for one in examined) if strata else (),
        _by_funder(examined),
        _shares((one.instance, one.granted, one.error) for one in examined),
        _earlier(session, sample_id),
    )


def _granted(session: Session, sample_id: int) -> Mapping[str, int]:
    """What each dossier of the population was granted, in cents."""
    rows = session.execute(
        select(Dossier.number, func.coalesce(func.sum(FundingRequest.granted_cents), 0))
        .join(SampleUnit, SampleUnit.dossier_id == Dossier.id)
        .outerjoin(FundingRequest, FundingRequest.dossier_id == Dossier.id)
        .where(SampleUnit.sample_id == sample_id)
        .group_by(Dossier.number)
    )
    return {number or "": int(cents or 0) for number, cents in rows}


def _drawn(session: Session, samples: Sequence[int]) -> Mapping[int, list[Examined]]:
    """The drawn dossiers of samples by rank, with what their controls found."""
    ledger = (
        select(
            LedgerLine.mission_id,
            func.sum(LedgerLine.accepted_cents + LedgerLine.refused_cents).label("charged"),
            func.sum(LedgerLine.refused_cents).label("refused"),
        )
        .group_by(LedgerLine.mission_id)
        .subquery()
    )
    rows: Any = session.execute(
        select(
            SampleUnit.sample_id,
            Dossier.id,
            Dossier.number,
            Dossier.title,
            func.coalesce(Instance.label, "").label("instance"),
            Mission.state,
            Mission.refused_cents,
            func.coalesce(ledger.c.charged, 0).label("charged"),
            func.coalesce(ledger.c.refused, 0).label("refused"),
        )
        .join(Dossier, Dossier.id == SampleUnit.dossier_id)
        .outerjoin(Instance, Instance.id == Dossier.instance_id)
        .join(Mission, (Mission.sample_id == SampleUnit.sample_id) & (Mission.dossier_id == Dossier.id))
        .outerjoin(ledger, ledger.c.mission_id == Mission.id)
        .where(SampleUnit.sample_id.in_(samples), SampleUnit.drawn)
        .order_by(SampleUnit.rank)
    ).all()
    lines = _lines(session, [row.id for row in rows])
    found: dict[int, list[Examined]] = {sample: [] for sample in samples}
    for row in rows:
        by_funder = lines.get(row.id, {})
        granted = sum(by_funder.values())
        # Before there was a ledger, a control said one sum.
        charged, refused = (int(row.charged), int(row.refused)) if row.charged else (granted, row.refused_cents)
        tainting = min(1.0, refused / charged) if charged else 0.0
        found[row.sample_id].append(
            Examined(
                row.id,
                row.number or "",
                row.title,
                row.instance,
                granted,
                by_funder,
                charged,
                refused,
                tainting if row.state in FOUND else None,
            )
        )
    return found


def _lines(session: Session, dossiers: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
    found: dict[int, dict[str, int]] = {}
    rows = session.execute(
        select(
            FundingRequest.dossier_id,
            func.coalesce(Institution.funder_code, Institution.label),
            FundingRequest.granted_cents,
        )
        .join(FundingRequest.funder)
        .where(FundingRequest.dossier_id.in_(dossiers), FundingRequest.granted_cents > 0)
    )
    for dossier, funder, cents in rows:
        found.setdefault(dossier, {})[funder] = cents or 0
    return found


def _evaluated(
    plan: SamplePlan | None,
    frozen: Sequence[PlanUnit],
    strata: Mapping[str, str],
    examined: Sequence[Examined],
    granted: Mapping[str, int],
) -> Evaluation | None:
    """The projection that goes with the way the sample was drawn; None where too little was found to make one."""
    whole: set[str] = set()
    if plan and plan.method == "mus" and plan.seed:
        whole = {pick.unit.id for pick in draw(units(frozen), request(plan, plan.seed)).units if pick.exhaustive}
    sample = [
        Item(one.number, one.error / 100, one.granted / 100, strata.get(one.number, ""), one.number in whole)
        for one in examined
    ]
    total = sum(granted.values()) / 100
    try:
        if plan and plan.method == "mus":
            return evaluate("mus-conservative", sample, TOLERABLE, confidence=CONFIDENCE, book_value=total)
        of = {name: [number for number in granted if strata.get(number, "") == name] for name in {*strata.values(), ""}}
        described = {
            name: Stratum(len(numbers), sum(granted[number] for number in numbers) / 100)
            for name, numbers in of.items()
            if numbers
        }
        found = evaluate("srs", sample, TOLERABLE, confidence=CONFIDENCE, strata=described)
        # The guidance says which of its two estimators suits what was found.
        if found.projection.advised == "ratio":
            found = evaluate("ratio", sample, TOLERABLE, confidence=CONFIDENCE, strata=described)
    except BadSampling:
        return None
    return found


def _by_funder(examined: Iterable[Examined]) -> list[Share]:
    """What was refused counts for each funder in proportion to what it granted."""
    return _shares(
        (funder, cents, cents * (one.tainting or 0.0)) for one in examined for funder, cents in one.by_funder.items()
    )


def _shares(rows: Iterable[tuple[str, int, float]]) -> list[Share]:
    found: dict[str, list[tuple[int, float]]] = {}
    for label, granted, error in rows:
        found.setdefault(label, []).append((granted, error))
    return [
        Share(label, len(parts), sum(granted for granted, _ in parts), sum(error for _, error in parts))
        for label, parts in sorted(found.items())
    ]


def _earlier(session: Session, sample_id: int) -> list[Earlier]:
    """The sealed samples before this one, the newest first."""
    rows = session.execute(
        select(Sample.id, Campaign.label)
        .join(Campaign, Campaign.id == Sample.campaign_id)
        .where(Sample.id < sample_id, Sample.purpose == "control", Sample.sealed_at.is_not(None))
        .order_by(Sample.id.desc())
        .limit(5)
    ).all()
    drawn = _drawn(session, [row.id for row in rows])
    found = []
    for row in rows:
        examined = [one for one in drawn[row.id] if one.tainting is not None]
        granted = sum(one.granted for one in examined)
        rate = sum(one.error for one in examined) / granted if granted else None
        found.append(Earlier(row.id, row.label, len(examined), len(drawn[row.id]), rate))
    return found
