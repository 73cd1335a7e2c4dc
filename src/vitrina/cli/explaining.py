"""The verb `explain`: why these products are in a list, and why another one is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from vitrina.cli.words import AsJson, Sentences, page, put, seconds, showing

if TYPE_CHECKING:
    from vitrina.request import Fate, ListedBlock, ListedItem, Request, Response

    Titles = Callable[[str], str]
    _Explained = tuple[Response, tuple[Fate, ...], Titles]

_PATIENCE_S = 10.0


def explain(
    placement: Annotated[str, typer.Option(help="A placement's name.")],
    registry: Annotated[Path | None, typer.Option(help="Folder of bundles.")] = None,
    server: Annotated[
        str, typer.Option(help="host:port of a running server instead; it is shown VITRINA_TOKEN.")
    ] = "",
    user: Annotated[str, typer.Option(help="A customer's id; empty for a stranger.")] = "",
    item: Annotated[list[str] | None, typer.Option(help="Why is it here, or not; again for more.")] = None,
    context: Annotated[list[str] | None, typer.Option(help="An item of the page or the cart.")] = None,
    region: Annotated[str, typer.Option(help="Where the customer shops.")] = "",
    channel: Annotated[str, typer.Option(help="site, app, email, push or retargeting.")] = "site",
    k: Annotated[int, typer.Option("-k", help="Length of the list; 0 for the placement's own.")] = 0,
    locale: Annotated[str, typer.Option(help="Language of the sentences.")] = "en",
    sentences: Sentences = None,
    as_of: Annotated[str, typer.Option(help="ISO time (UTC) or seconds; by default the last event.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say why each product is in a list; of an --item that is not, what dropped it.

    With --server it is what the server knows, of what the customer did since training too.
    """
    from dataclasses import asdict

    from vitrina.request import Block, Request

    if (registry is None) == (not server):
        raise typer.BadParameter("give --registry or --server")
    request = Request(
        (Block(placement, limit=k),),
        user_id=user,
        channel=channel,
        region=region,
        context_item_ids=tuple(context or ()),
        locale=locale,
    )
    moment = seconds(as_of)
    if registry:
        answer, fates, titles = _of_bundle(registry, sentences, request, item or (), moment)
    elif moment is None and sentences is None:
        answer, fates, titles = _of_server(server, request, item or ())
    else:
        raise typer.BadParameter("--as-of and --sentences go with --registry; a server has its own")
    if as_json:
        put({"list": _told(answer.blocks[0]), "items": [asdict(one) for one in fates]})
    else:
        page().print(drawn(titles, request.user_id, answer, fates))


def _of_bundle(
    registry: Path, sentences: Path | None, request: Request, items: Sequence[str], moment: int | None
) -> _Explained:
    from vitrina.engine import Engine
    from vitrina.live import Live
    from vitrina.registry import Registry
    from vitrina.wording import Wording

    bundles = Registry(registry)
    engine = Engine.open(bundles.path(), bundles.applied).with_wording(Wording.open(sentences))
    answer, fates = engine.explain(request, items, Live(engine.moment if moment is None else moment))

    def title(item_id: str) -> str:
        product = engine.product(item_id)
        return product.title if product else ""

    return answer, fates, title


def _of_server(server: str, request: Request, items: Sequence[str]) -> _Explained:
    from vitrina.client import Client

    with Client(server, **showing()) as shop:
        answer, fates = shop.explain(request, items, product_fields=("title",), timeout_s=_PATIENCE_S)
    listed = [one for block in answer.blocks for one in block.items]
    titles = {one.item_id: one.product.title for one in listed if one.product}
    return answer, fates, lambda item_id: titles.get(item_id, "")


def drawn(titles: Titles, user: str, answer: Response, fates: Sequence[Fate]) -> Tree:
    """The list with its reasons, the stages, and the fates, as a tree to print."""
    block = answer.blocks[0]
    whose = f"customer {user}" if answer.known_user else f"a stranger ({user or 'no id'})"
    tree = Tree(Text(f"{block.placement} for {whose}", "bold"))
    if fates:
        for one in fates:
            _fate(tree, titles, one, block)
        return tree
    stages = tree.add("stages")
    for name, left in block.trace:
        stages.add(f"{name}: {len(left):,} left" if name != "admit" else "admit: hard rules are set")
    for rule in block.relaxed:
        tree.add(Text(f"soft rule given up: {rule}"))
    items = tree.add(f"{len(block.items)} products")
    for place, listed in enumerate(block.items, start=1):
        _item(items, titles, place, listed)
    return tree


def _item(tree: Tree, titles: Titles, place: int, listed: ListedItem) -> None:
    branch = tree.add(Text(f"{place}. {_titled(titles, listed.item_id)}", "bold"))
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


def _fate(tree: Tree, titles: Titles, one: Fate, block: ListedBlock) -> None:
    branch = tree.add(Text(_titled(titles, one.item_id), "bold"))
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


def _titled(titles: Titles, item_id: str) -> str:
    title = titles(item_id)
    name = f"{title} ({item_id})" if title else item_id
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
