"""The command line: one verb a function. Flags are a contract; libraries load when a verb needs them.

Exit codes: 0 done; 1 something unforeseen; 2 wrong usage; 3 the data; 4 a recipe or placements;
5 a bundle or registry; 6 a request; 7 the server is not ready; 8 the store; 9 an audit that found something.
"""

from __future__ import annotations

import sys

import typer
from rich.text import Text

from vitrina import __version__
from vitrina.cli import (
    audience,
    catalog,
    edge,
    events,
    explaining,
    letters,
    models,
    offline,
    online,
    outcomes,
    people,
    pictures,
    placements,
    preview,
    stores,
    tokens,
    trees,
    tuning,
)
from vitrina.cli.words import errors
from vitrina.errors import DataError, VitrinaError

app = typer.Typer(
    help="Vitrina: train a shop's recommendations offline, serve personal lists over gRPC.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (
    offline.doctor,
    offline.train,
    tuning.tune,
    offline.evaluate,
    offline.verify,
    outcomes.report,
    offline.recommend,
    explaining.explain,
    preview.preview,
    pictures.embed,
    pictures.similar,
    trees.tree,
    letters.letter,
    edge.edge,
    audience.audience,
    audience.feed,
    online.serve,
    online.healthcheck,
    online.demo,
):
    app.command()(verb)
app.add_typer(models.models, name="models")
app.add_typer(placements.placements, name="placements")
app.add_typer(tokens.tokens, name="tokens")
app.add_typer(catalog.catalog, name="catalog")
app.add_typer(people.people, name="people")
app.add_typer(people.audit, name="audit")
app.add_typer(events.events, name="events")
app.add_typer(stores.store, name="store")


@app.command()
def version() -> None:
    """Print Vitrina's version."""
    print(__version__)


def main() -> None:
    """Run a verb; a VitrinaError, or a file that cannot be used, becomes a line of error and an exit code."""
    try:
        app()
    except VitrinaError as error:
        errors.print(Text.assemble(("error: ", "bold red"), str(error)), soft_wrap=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if not error.filename:
            raise  # no file that a verb was told to read or write
        what = f"{error.filename}: {error.strerror}; give a place that can be used"
        errors.print(Text.assemble(("error: ", "bold red"), what), soft_wrap=True)
        sys.exit(DataError.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
