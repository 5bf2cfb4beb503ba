"""Writes the stories: for each planned life an action, a carrier, a budget and the funders that are asked."""

from collections.abc import Mapping
from typing import Any

from workflow.demo.stage import Stage, load
from workflow.demo.story import Story, World
from workflow.routing import Query, route

_LEVELS = ("agglomération", "commune", "arrondissement")
_EURO = 100
_MESSAGES = 0.3
_AT_HOME = 0.25
_PLACES = ("here", "mine")
_WITH_FUNDER = "CAF"
"""Everything in the home instance asks this funder, so that its representative has something to decide."""


def write_all(stage: Stage, world: World, number: int) -> list[Story]:
    """`number` stories: each plan once, in order and where it says, then plans drawn by weight, anywhere."""
    plans = world.plans["plan"]
    weighted = stage.rng.choices(plans, [plan["weight"] for plan in plans], k=max(0, number - len(plans)))
    drawn = [{name: value for name, value in plan.items() if name not in _PLACES} for plan in weighted]
    actions = load("actions")
    return [_story(stage, world, actions, plan) for plan in [*plans, *drawn][:number]]


def _story(stage: Stage, world: World, actions: Mapping[str, Any], plan: Mapping[str, Any]) -> Story:
    rng = stage.rng
    level = rng.choices(_LEVELS, (5, 4, 1))[0]
    commune = rng.choice(sorted(world.communes))
    at_home = plan.get("here", False) or ("objective" not in plan and rng.random() < _AT_HOME)
    code = plan.get("objective") or rng.choice(_objectives(world, actions, at_home, level))
    orientation = actions["orientation"][code[0]]
    requests = _requests(stage, orientation["funders"], at_home, at_least=2 if "decide" in plan["life"].split() else 1)
    carriers = world.cast.carriers
    title = rng.choice(actions["titles"][code]) + rng.choice(actions["variants"])
    beneficiaries = rng.randrange(12, 180)
    form = {
        "title": f"{title} à {commune}" if level == "commune" else title,
        "objective_id": world.objectives[code],
        "level": level,
        "commune_id": world.communes[commune] if level == "commune" else None,
        "need": rng.choice(("first", "renewed")),
        "summary": f"{rng.choice(orientation['needs'])}\n\n{rng.choice(orientation['methods'])}",
        "public": rng.choice(orientation["publics"]),
        "beneficiaries": beneficiaries,
        "partners": rng.choice(orientation["partners"]),
        "indicators": rng.choice(orientation["indicators"]),
        **_period(stage, world, plan["pace"]),
        **_budget(stage, sum(requests.values())),
        "requests": {str(world.funders[funder]): cents for funder, cents in requests.items()},
    }
    return Story(
        stage=stage,
        world=world,
        pace=plan["pace"],
        steps=_steps(stage, plan["life"], len(requests)),
        carrier=carriers[0] if plan.get("mine") else rng.choice(carriers),
        form=form,
        requests=requests,
        objective=code,
    )


def _objectives(world: World, actions: Mapping[str, Any], at_home: bool, level: str) -> list[str]:
    """The objectives that the home instance leads, or all of those that no plan keeps for itself."""
    kept = {plan.get("objective") for plan in world.plans["plan"]}
    codes = [code for code in actions["titles"] if code not in kept]
    if not at_home:
        return codes
    leads = {code: route(world.rules, Query(code, level)).rule for code in codes}
    return [code for code, rule in leads.items() if rule and rule.lead == world.home]


def _requests(stage: Stage, funders: list[str], at_home: bool, at_least: int) -> dict[str, int]:
    number = max(at_least, stage.rng.choices((1, 2, 3, 4), (2, 4, 3, 1))[0])
    chosen = stage.rng.sample(funders, number)
    if at_home and _WITH_FUNDER not in chosen:
        chosen[0] = _WITH_FUNDER
    return {funder: stage.rng.randrange(10, 90) * 100 * _EURO for funder in chosen}


def _budget(stage: Stage, asked: int) -> dict[str, list[dict[str, Any]]]:
    """A balanced budget around what is asked: own resources, and volunteers' work on both sides."""
    rng = stage.rng
    own, given = (rng.randrange(2, 20) * 100 * _EURO for _ in range(2))
    total = asked + own
    small, services = total * 15 // 100 // _EURO * _EURO, total * 25 // 100 // _EURO * _EURO
    return {
        "expense": [
            {"account": "60", "label": "Petit matériel et fournitures", "amount_cents": small},
            {"account": "62", "label": "Intervenants extérieurs", "amount_cents": services},
            {"account": "64", "label": "Salaires et charges de l'équipe", "amount_cents": total - small - services},
            {"account": "86", "label": "Bénévolat", "amount_cents": given},
        ],
        "income": [
            {"account": "74", "label": "Subventions demandées", "amount_cents": asked},
            {"account": "70", "label": "Participations et ventes", "amount_cents": own},
            {"account": "87", "label": "Bénévolat", "amount_cents": given},
        ],
    }


def _period(stage: Stage, world: World, pace: str) -> dict[str, str]:
    calendar = world.plans["calendar"][world.plans["windows"][pace]["campaign"]]
    starts = stage.day(calendar["notification"] + stage.rng.randrange(5, 30))
    ends = stage.day(calendar["final_report"] - stage.rng.randrange(10, 40))
    return {"starts_on": starts.isoformat(), "ends_on": ends.isoformat()}


def _steps(stage: Stage, life: str, requests: int) -> list[str]:
    steps: list[str] = []
    for word in life.split():
        name = word.rstrip("*")
        steps += [name] * (requests if word != name else 1)
        if name == "assign" and "message" not in life and stage.rng.random() < _MESSAGES:
            steps += ["message", "reply_message", "confer"]
    return steps
