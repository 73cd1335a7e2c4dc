"""Audiences: whom to address now, on which channel and with what; and who would buy some products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitrina.cli.words import AsJson, At, RegistryDir, StoreDir, moment, put, say, seconds

if TYPE_CHECKING:
    from vitrina.audience.entry import Entry
    from vitrina.engine import Engine
    from vitrina.since import Since


def audience(
    registry: RegistryDir,
    out: Annotated[Path, typer.Option(help="File to write: .parquet or .csv; a list for --system.")],
    plan: Annotated[Path | None, typer.Option(help="Triggers; see models/audiences.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Contact policy; see models/contact.")] = None,
    trigger: Annotated[list[str] | None, typer.Option(help="Only this one; may be given again.")] = None,
    buyers_of: Annotated[
        list[str] | None, typer.Option(help="Instead: who would buy this item; may be given again.")
    ] = None,
    most: Annotated[int, typer.Option(help="People of --buyers-of.")] = 1000,
    since: Annotated[
        str, typer.Option(help="An earlier bundle's version: what became cheaper, or is back, since then.")
    ] = "",
    contacts: Annotated[
        Path | None, typer.Option(help="What was sent: user_id, channel, time, and item_ids, opened_time.")
    ] = None,
    people: Annotated[
        Path | None, typer.Option(help="user_id, email, phone: to be hashed for --system.")
    ] = None,
    system: Annotated[str, typer.Option(help="google, yandex, vk-email or vk-phone.")] = "",
    at: At = "",
    store: StoreDir = None,
    as_json: AsJson = False,
) -> None:
    """Write whom to address: who, why, since when, until when, with what, where and at which hour."""
    from vitrina.engine import Engine
    from vitrina.registry import Registry
    from vitrina.since import Since

    if bool(system) != (people is not None):
        raise typer.BadParameter("--system and --people go together")
    if not system and out.suffix not in (".parquet", ".csv"):
        raise typer.BadParameter(f"--out {out} must end in .parquet or .csv")
    bundles = Registry(registry)
    aside = Since(store)
    engine = aside.over(Engine.open(bundles.path()))
    now = moment(at, engine.moment, store)
    earlier = Engine.open(bundles.path(since)) if since else None
    chosen = (
        _buyers(engine, buyers_of, most, now)
        if buyers_of
        else _triggered(engine, plan, policy, tuple(trigger or ()), contacts, earlier, now, aside)
    )
    written = _write(chosen, out, system, people)
    facts = {"out": str(out), "people": written, "bundle": engine.version}
    put(facts) if as_json else print("{people:,} people in {out}, from {bundle}".format(**facts))


def feed(
    registry: RegistryDir,
    kind: Annotated[str, typer.Option(help="google, yandex or vk.")],
    out: Annotated[Path, typer.Option(help="File to write, .xml.")],
    style: Annotated[Path, typer.Option(help="Where pages and photos are; see models/letters.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code of the prices.")] = "EUR",
    at: At = "",
    as_json: AsJson = False,
) -> None:
    """Write the products that can be had as a feed for advertising systems."""
    from vitrina.audience.feeds import write_feed
    from vitrina.engine import Engine
    from vitrina.letters.style import read_style
    from vitrina.registry import Registry

    engine = Engine.open(Registry(registry).path())
    at_seconds = seconds(at)
    now = engine.moment if at_seconds is None else at_seconds
    fed = write_feed(kind, engine, read_style(style), currency, out, now)
    facts = {"out": str(out), "products": fed.written, "left_out": fed.left_out, "bundle": engine.version}
    put(facts) if as_json else print("{products:,} products in {out}, {left_out:,} left out".format(**facts))


def _triggered(
    engine: Engine,
    plan: Path | None,
    policy: Path | None,
    names: tuple[str, ...],
    contacts: Path | None,
    earlier: Engine | None,
    now: int,
    aside: Since,
) -> Iterator[Entry]:
    from vitrina.audience.entries import Known, entries
    from vitrina.audience.facts import facts
    from vitrina.audience.journal import journalled
    from vitrina.audience.known import read_contacts
    from vitrina.audience.plan import read_plan, standard
    from vitrina.contact.policy import read_policy
    from vitrina.contact.policy import standard as usual

    watched = (read_plan(plan) if plan else standard()).only(names)
    allowed = read_policy(policy) if policy else usual()
    known = journalled(aside.store, allowed) if aside.store else Known.nothing()
    if contacts:
        known = read_contacts(contacts, allowed)
    shop, found = facts(engine, now, earlier), 0
    for batch, _cursor in entries(engine, watched, allowed, shop, known, now, lately=aside.lately):
        found += len(batch)
        say(f"{found:,} people found")
        yield from batch


def _buyers(engine: Engine, items: list[str], most: int, now: int) -> Iterator[Entry]:
    from vitrina.audience.affinity import likely
    from vitrina.audience.entry import Entry

    for user_id, score in likely(engine, items, most, now):
        said = f"scores {score:.4f} by customers alike"
        yield Entry("", "affinity", user_id, now, now, tuple(items), tuple(items), "", now, 0, said)


def _write(chosen: Iterator[Entry], out: Path, system: str, people: Path | None) -> int:
    from vitrina.audience.files import write_csv, write_parquet, write_people
    from vitrina.audience.known import table

    if people is None:
        return write_csv(chosen, out) if out.suffix == ".csv" else write_parquet(chosen, out)
    wanted = {one.user_id for one in chosen}
    known = table(people, ("user_id",), ("email", "phone"))
    found: Iterator[Mapping[str, str]] = (one for one in known if one["user_id"] in wanted)
    return write_people(system, found, out)
