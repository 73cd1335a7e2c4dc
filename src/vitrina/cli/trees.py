"""The verb `tree`: the customer decision tree of a category, as text, JSON or a picture."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitrina.cli.words import AsJson, RegistryDir, put

if TYPE_CHECKING:
    from vitrina.bundle import Bundle
    from vitrina.trees import Branch, Forest, Tree

SHOWN, SOLD = 8, 0.005
"""Children of a node that are shown, the best sold, and the share of all sales that they have at least; the
rest are counted, and are whole in --json."""
ROW, STEP, BAR, LABEL = 24, 250, 60, 26
"""Of the picture: pixels of a line and of a level, of a bar that is all sales; letters of a label."""
LEGEND = "bar: share of sales; by: what splits it, and the share of switches that stay within"


def tree(
    registry: RegistryDir,
    category: Annotated[
        str, typer.Option("--category", help="Its path: 'Grocery > Yogurt'. Without it, all there are.")
    ] = "",
    strategy: Annotated[str, typer.Option(help="Its name in the recipe, if there are several.")] = "",
    picture: Annotated[Path | None, typer.Option("--picture", help="File to draw it to: .svg.")] = None,
    as_json: AsJson = False,
) -> None:
    """What shoppers of a category hold to and what they trade, and in which order filters may relax."""
    from dataclasses import asdict

    from vitrina.registry import Registry
    from vitrina.trees import Tree, known

    if picture is not None and (picture.suffix != ".svg" or not category):
        raise typer.BadParameter("--picture needs --category and a file that ends in .svg")
    forest = _forest(Registry(registry).open(), strategy)
    if not category:
        names = known(forest)
        put(names) if as_json else print("\n".join(names))
        return
    found = Tree.of(forest, category)
    if picture is not None:
        picture.write_text(drawn(found), encoding="utf-8")
    if as_json:
        put({**asdict(found), "relax_order": found.relax_order()})
    else:
        print("\n".join(lines(found)))


def lines(tree: Tree) -> Iterator[str]:
    """The tree as indented text."""
    yield f"{tree.category}: {tree.root.items:,} items, {tree.root.switches:,.0f} switches"
    if not tree.holds:
        yield "too few switches to tell what is held to"
        return
    yield "held to: " + ", ".join(f"{name} {hold:.0%}" for name, hold in tree.holds.items())
    if not tree.root.split:
        yield "no attribute is held to beyond chance: any item stands in for any other"
    yield f"relax in this order: {', '.join(tree.relax_order())}"
    yield from _below(tree.root, "")


def _below(branch: Branch, indent: str) -> Iterator[str]:
    if branch.split:
        many = branch.switches
        seen = f"of {many:,.0f} switches" if many >= 1 else "elsewhere; no switch was seen here"
        yield f"{indent}by {branch.split} (held by {branch.hold:.0%} {seen})"
    for child in _shown(branch):
        yield f"{indent}  {child.value}: {child.share:.1%} of sales, {child.items:,} items"
        yield from _below(child, indent + "    ")
    if rest := _rest(branch):
        yield f"{indent}  and {rest}"


def drawn(tree: Tree) -> str:
    """The tree as SVG, growing to the right: a bar shows a branch's sales. Needs no font of its own."""
    marks: list[str] = []
    height, _ = _draw(tree.root, 0, 2, marks, tree.category.rpartition(" > ")[2])
    deepest = max(_depth(tree.root), 2)
    top = f'<text x="12" y="20" font-size="15">{escape(tree.category)}</text>'
    notes = f"{tree.root.switches:,.0f} switches; relax: {', '.join(tree.relax_order()) or 'nothing known'}"
    wide, high = deepest * STEP + 24, (height + 2) * ROW
    size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="white"/>',
            top,
            f'<text x="12" y="38" fill="#666">{escape(notes)}</text>',
            f'<text x="12" y="54" fill="#666">{LEGEND}</text>',
            *marks,
            "</svg>\n",
        ]
    )


def _draw(branch: Branch, depth: int, line: int, marks: list[str], label: str) -> tuple[int, float]:
    """Draw a branch from a line on: (the line after it, the y of its own mark)."""
    after, places = line, []
    for child in _shown(branch):
        after, place = _draw(child, depth + 1, after, marks, child.value)
        places.append(place)
    if rest := _rest(branch):
        marks.append(_words((depth + 1) * STEP, (after + 1.5) * ROW, f"and {rest}", "#888"))
        after += 1
    after = max(after, line + (2 if branch.split else 1))
    x, y = depth * STEP + 12, ((places[0] + places[-1]) / 2 if places else (line + 1.5) * ROW)
    marks += [_line(x + STEP - 30, y, x + STEP - 6, place) for place in places]
    width = max(2.0, BAR * branch.share)
    marks.append(f'<rect x="{x}" y="{y + 4:.0f}" width="{width:.0f}" height="5" fill="#4878a8"/>')
    short = label if len(label) <= LABEL else label[: LABEL - 1] + "…"
    marks.append(_words(x - 12, y, f"{short} {branch.share:.0%}", "#222"))
    if branch.split:
        marks.append(_words(x + BAR - 6, y + 14, f"by {branch.split}: {branch.hold:.0%}", "#b04a2f", 10))
    return after, y


def _words(x: float, y: float, text: str, colour: str, size: int = 12) -> str:
    return f'<text x="{x + 12:.0f}" y="{y:.0f}" fill="{colour}" font-size="{size}">{escape(text)}</text>'


def _line(x: float, y: float, to_x: float, to_y: float) -> str:
    middle = (x + to_x) / 2
    curve = f"M{x:.0f} {y:.0f} C{middle:.0f} {y:.0f} {middle:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"
    return f'<path d="{curve}" fill="none" stroke="#bbb"/>'


def _shown(branch: Branch) -> tuple[Branch, ...]:
    """The children that sell most, of those that sell anything to speak of; they stand best sold first."""
    return tuple(one for one in branch.children[:SHOWN] if one.share >= SOLD)


def _rest(branch: Branch) -> str:
    """The others in a line; '' where there are none."""
    rest = branch.children[len(_shown(branch)) :]
    return f"{len(rest):,} more: {sum(one.share for one in rest):.1%} of sales" if rest else ""


def _depth(branch: Branch) -> int:
    """Levels that are drawn: what is only counted stands a level further too."""
    return 1 + max((_depth(child) for child in _shown(branch)), default=1 if branch.children else 0)


def _forest(bundle: Bundle, strategy: str) -> Forest:
    """The trees of the strategy of that name, or of the only one that has any. Raises RecipeError."""
    from vitrina.errors import RecipeError
    from vitrina.trees import Forest

    able = [name for name, one in bundle.manifest.strategies.items() if one["is"] == "decision_tree"]
    if strategy not in able and (strategy or len(able) != 1):
        raise RecipeError(
            f"the bundle's strategies with trees are: {', '.join(able) or 'none'}; "
            + (
                "name one with --strategy"
                if able
                else "add [strategies.decision_tree] to the recipe and train"
            )
        )
    return Forest.of_parts(bundle.under(strategy or able[0]))
