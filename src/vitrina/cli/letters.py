"""Letters: HTML blocks and their plain-text twins, for one customer or a file of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitrina.cli.words import AsJson, At, RegistryDir, StoreDir, moment, put, say

if TYPE_CHECKING:
    from vitrina.mailing import Draw, Plan

DAY = 86_400


def letter(
    registry: RegistryDir,
    out: Annotated[Path, typer.Option(help="Folder for the letters and letters.jsonl.")],
    user: Annotated[str, typer.Option(help="One customer's user_id.")] = "",
    users: Annotated[Path | None, typer.Option(help=".csv or .parquet with a column user_id.")] = None,
    block: Annotated[
        list[str] | None,
        typer.Option("--block", help="placement=Heading; give it again for further blocks."),
    ] = None,
    subject: Annotated[str, typer.Option(help="The letter's subject and title.")] = "Picked for you",
    greeting: Annotated[str, typer.Option(help="A sentence above the products.")] = "",
    style: Annotated[Path | None, typer.Option(help="A style file; see models/letters.")] = None,
    templates: Annotated[
        Path | None, typer.Option(help="Folder of Jinja templates that stand before ours.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Products of each block.")] = 6,
    edge: Annotated[
        str, typer.Option(help="Address of `vitrina edge`: pictures are then made when the letter is opened.")
    ] = "",
    key_file: Annotated[Path | None, typer.Option(help="The edge's key; needed with --edge.")] = None,
    keep_days: Annotated[int, typer.Option(help="Days for which --edge pictures are shown.")] = 30,
    at: At = "",
    store: StoreDir = None,
    as_json: AsJson = False,
) -> None:
    """Write a letter for each customer: HTML for any mail program, plain text beside it."""
    from vitrina import campaign, mailing
    from vitrina.engine import Engine
    from vitrina.letters.style import Style, read_style
    from vitrina.registry import Registry
    from vitrina.since import Since

    if bool(user) == (users is not None):
        raise typer.BadParameter("give either --user or --users")
    since = Since(store)
    engine = since.over(Engine.open(Registry(registry).path()))
    plan = mailing.Plan(
        subject, tuple(_block(one) for one in block or ["email_digest=Picked for you"]), k, greeting
    )
    asked = [user] if user else campaign.user_ids(users) if users else []
    now = moment(at, engine.moment, store)
    look = read_style(style) if style else Style()
    draw = _slots(edge, key_file, plan, now, keep_days) if edge else None
    posted = mailing.write(engine, asked, plan, look, out, now, say, templates, draw, since.remember)
    facts = {"out": str(out), "letters": posted.letters, "empty": posted.empty, "bundle": engine.version}
    said = "{letters:,} letters in {out}; {empty:,} customers for whom there was nothing; from {bundle}"
    put(facts) if as_json else print(said.format(**facts))


def _block(text: str) -> tuple[str, str]:
    placement, sign, heading = text.partition("=")
    if not placement or not sign or not heading.strip():
        raise typer.BadParameter(
            f"--block {text!r} must be placement=Heading, such as 'cart=Goes well with it'"
        )
    return placement, heading.strip()


def _slots(edge: str, key_file: Path | None, plan: Plan, now: int, keep_days: int) -> Draw:
    """Cards whose pictures and links the edge makes when a letter is opened."""
    from vitrina.edge.slots import Seal, Sender, key_of
    from vitrina.letters.style import address

    if key_file is None or not address(edge):
        raise typer.BadParameter("--edge is an http or https address, and goes with --key-file")
    placements = tuple(placement for placement, _ in plan.shelves)
    expires = int(time.time()) + keep_days * DAY
    return Sender(Seal(key_of(key_file)), edge, placements, plan.k, f"{plan.subject} {now}", expires).card
