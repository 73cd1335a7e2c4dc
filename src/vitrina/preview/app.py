"""The preview over HTTP, for a browser on this machine.

    GET /                   the page, with the lists that its address asks for
    GET /lists              the lists alone, which htmx puts in the place of those before
    GET /customers, /items  choices for what was typed
    GET /pictures/ROW.png   a product's picture
    GET /static/...         style and script

Nothing is written and nothing fetched from elsewhere, which the policy of every answer holds the browser to.
Calls by another name than this machine's are refused: no site can look in through its visitor's browser.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vitrina.engine import Engine
from vitrina.errors import ServerError
from vitrina.ids import Rows
from vitrina.letters.style import Style
from vitrina.preview.finding import Finder
from vitrina.preview.pictures import Pictures
from vitrina.preview.question import LONGEST, Question
from vitrina.preview.shelves import day, deeds, shelves
from vitrina.wording import Wording, ours

HERE = Path(__file__).parent
HOSTS = ("127.0.0.1", "localhost")
CHANNELS = ("site", "app", "email", "push", "retargeting")
CHOSEN = {"customers": "user", "items": "item"}
"""By what is chosen, the field that is typed into."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HOUR = "private, max-age=3600"


@dataclass(eq=False)
class Preview:
    """One engine looked at as of `now`, seconds since 1970 UTC."""

    engine: Engine
    pictures: Pictures
    now: int
    style: Style = field(default_factory=Style)
    wording: Wording = field(default_factory=ours)

    def __post_init__(self) -> None:
        self.finder, self._templates = Finder(self.engine), _environment(self.style)
        # Pictures are kept by browsers; of another bundle they have other addresses.
        self._templates.globals["bundle"] = self.engine.version

    def page(self, asked: Mapping[str, str]) -> str:
        """The whole page. Where nothing is asked, the customer who did most stands before the home page."""
        names = self.engine.placements.names
        home = "home" if "home" in names else names[0] if names else ""
        question = Question.of({"placement": home, **(asked or {"user": self.finder.busiest})})
        regions = self.engine.askers.regions
        return self._filled(
            "page.html",
            question,
            engine=self.engine,
            names=names,
            channels=CHANNELS,
            locales=sorted({"en", *self.wording.languages}),
            regions=regions.values.names(_every(len(regions.values))) if regions else [],
            day=day(self.now),
        )

    def lists(self, asked: Mapping[str, str]) -> str:
        """The lists alone."""
        return self._filled("lists.html", Question.of(asked))

    def choices(self, kind: str, typed: str) -> str:
        """Customers or items to choose from, as options."""
        find = self.finder.customers if kind == "customers" else self.finder.products
        return str(self._templates.get_template("choices.html").render(choices=find(typed)))

    def _filled(self, name: str, question: Question, **known: Any) -> str:
        shown = shelves(self.engine, question, self.now)
        did = deeds(self.engine, question.user, self.now)
        filled = self._templates.get_template(name).render(q=question, shelves=shown, deeds=did, **known)
        return str(filled)


def routes(preview: Preview) -> Any:
    """The ASGI application over a preview."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, Response
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    def page(asked: Request) -> Response:
        return HTMLResponse(preview.page(asked.query_params))

    def lists(asked: Request) -> Response:
        here = {"HX-Push-Url": f"/?{asked.url.query}"}
        return HTMLResponse(preview.lists(asked.query_params), headers=here)

    def choices(asked: Request) -> Response:
        kind = asked.url.path[1:]
        return HTMLResponse(preview.choices(kind, asked.query_params.get(CHOSEN[kind], "").strip()[:LONGEST]))

    def picture(asked: Request) -> Response:
        found = preview.pictures.of(asked.path_params["row"])
        return Response(found, 200 if found else 404, {"Cache-Control": HOUR}, "image/png")

    ways = {
        "/": page,
        "/lists": lists,
        **{f"/{kind}": choices for kind in CHOSEN},
        "/pictures/{row:int}.png": picture,
    }
    return Starlette(
        routes=[
            *(Route(way, answer) for way, answer in ways.items()),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[Middleware(_Guarded), Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS))],
    )


class _Guarded:
    """Puts HEADERS on every answer."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                told = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *told]}
            await send(message)

        await self.app(scope, receive, guarded)


def _environment(style: Style) -> Any:
    """Jinja that escapes everything, and knows how the shop writes amounts."""
    try:
        import jinja2
    except ImportError:
        raise ServerError(
            "the preview needs jinja2, starlette, uvicorn and pillow; install vitrina[preview]"
        ) from None
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"money": style.money, "line": _line, "about": Question.about}
    return environment


def _line(text: str) -> str:
    """A text on one line, without what turns or hides others."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _every(n: int) -> Rows:
    return np.arange(n, dtype=np.int32)
