"""The verb `explain`: why these products are in a list, and why another one is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from vitrina.cli.words import AsJson, RegistryDir, page, put, seconds

if TYPE_CHECKING:
    from vitrina.engine import Engine
    from vitrina.fates import Fate
    from vitrina.request import ListedBlock, ListedItem, Response


def explain(
    registry: RegistryDir,
    placement: Annotated[str, typer.Option(help="A placement's name.")],
    user: Annotated[str, typer.Option(help="A customer's id; empty for a stranger.")] = "",
    item: Annotated[list[str] | None, typer.Option(help="Why is it here, or not; again for more.")] = None,
    context: Annotated[list[str] | None, typer.Option(help="An item of the page or the cart.")] = None,
    region: Annotated[str, typer.Option(help="Where the customer shops.")] = "",
    channel: Annotated[str, typer.Option(help="site, app, email, push or retargeting.")] = "site",
    k: Annotated[int, typer.Option("-k", help="Length of the list; 0 for the placement's own.")] = 0,
    locale: Annotated[str, typer.Option(help="Language of the sentences.")] = "en",
    as_of: Annotated[str, typer.Option(help="ISO time (UTC) or seconds; by default the last event.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say why each product is in a list; of an --item that is not, what dropped it."""
    from dataclasses import asdict

    from vitrina.engine import Engine
    from vitrina.live import Live
    from vitrina.registry import Registry
    from vitrina.request import Block, Request

    engine = Engine.open(Registry(registry).path())
    moment = seconds(as_of)
    request = Request(
        (Block(placement, limit=k),),
        user_id=user,
        channel=channel,
        region=region,
        context_item_ids=tuple(context or ()),
        locale=locale,
    )
    answer, fates = engine.explain(request, item or (), Live(engine.moment if moment is None else moment))
    if as_json:
        put({"list": _told(answer.blocks[0]), "items": [asdict(one) for one in fates]})
    else:
        page().print(drawn(engine, request.user_id, answer, fates))


def drawn(engine: Engine, user: str, answer: Response, fates: Sequence[Fate]) -> Tree:
    """The list with its reasons, the stages, and the fates, as a tree to print."""
    block = answer.blocks[0]
    whose = f"customer {user}" if answer.known_user else f"a stranger ({user or 'no id'})"
    tree = Tree(Text(f"{block.placement} for {whose}", "bold"))
    if fates:
        for one in fates:
            _fate(tree, engine, one, block)
        return tree
    stages = tree.add("stages")
    for name, left in block.trace:
        stages.add(f"{name}: {len(left):,} left" if name != "admit" else "admit: hard rules are set")
    for rule in block.relaxed:
        tree.add(Text(f"soft rule given up: {rule}"))
    items = tree.add(f"{len(block.items)} products")
    for place, listed in enumerate(block.items, start=1):
        _item(items, engine, place, listed)
    return tree


def _item(tree: Tree, engine: Engine, place: int, listed: ListedItem) -> None:
    branch = tree.add(Text(f"{place}. {_titled(engine, listed.item_id)}", "bold"))
    for line in _reasons(listed):
        branch.add(Text(line))


def _reasons(listed: ListedItem) -> Iterator[str]:
    why = listed.reason
    yield why.sentence
    yield f"led by {why.source}; proposed by {', '.join(listed.sources)}"
    if why.seed_item_ids:
        yield f"follows from {', '.join(why.seed_item_ids)}"
    if why.rule:
        _, support, confidence, lift = why.rule
        yield f"rule: support {support:.4f}, confidence {confidence:.2f}, lift {lift:.1f}"


def _fate(tree: Tree, engine: Engine, one: Fate, block: ListedBlock) -> None:
    branch = tree.add(Text(_titled(engine, one.item_id), "bold"))
    if one.place:
        branch.add(Text(f"listed at place {one.place}", "green"))
        for line in _reasons(block.items[one.place - 1]):
            branch.add(Text(line))
    else:
        why = branch.add(Text(f"not listed; dropped at: {one.stage}", "red"))
        for rule in one.rules:
            why.add(Text(rule))
    for source, place in one.proposed:
        branch.add(Text(f"{source} has it at place {place}"))
    if one.blended:
        branch.add(Text(f"place {one.blended} of the blended list"))


def _titled(engine: Engine, item_id: str) -> str:
    product = engine.product(item_id)
    name = f"{product.title} ({item_id})" if product and product.title else item_id
    return "".join(one if one.isprintable() else " " for one in name)


def _told(block: ListedBlock) -> dict[str, object]:
    """A list as JSON has it."""
    items = [{**one._asdict(), "reason": _reason(one)} for one in block.items]
    return {
        "placement": block.placement,
        "items": items,
        "relaxed": block.relaxed,
        "trace": dict(block.trace),
    }


def _reason(listed: ListedItem) -> dict[str, object]:
    rule = listed.reason.rule
    return {**listed.reason._asdict(), "rule": rule._asdict() if rule else None}
