"""The pages and the API of `portrayal serve`.

GET  /  /runs  /runs/NAME  /runs/NAME/report  /api  /static/NAME       pages
GET  /api/models  /api/limits  /health  /ready  /openapi.json          facts
POST /api/translate  /api/batch                                        translating.py
POST /api/jobs, GET and DELETE /api/jobs/ID...                         jobs.py
GET  /api/runs...                                                      runs.py
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as Refusal
from starlette.responses import Response

from portrayal import __version__
from portrayal.core.errors import UserError
from portrayal.web import shell
from portrayal.web.bodies import LimitBody
from portrayal.web.endpoints import endpoints
from portrayal.web.guards import Calm, Noted, OnlyHere, refusal
from portrayal.web.jobs import Jobs, job_routes
from portrayal.web.limits import Limits, Often, PerMinute
from portrayal.web.models import Model
from portrayal.web.runs import Shelf, run_routes
from portrayal.web.translating import Desk, translating
from portrayal.web.waiting import Full, Line

ABOUT = (
    "Pictures in, translated pictures out. Nothing is stored; every answer says it is generated."
)


def serving_app(
    places: Sequence[Path],
    models: dict[str, Model],
    limits: Limits = Limits(),
    *,
    hosts: Collection[str] | None = None,
    behind_proxy: bool = False,
    note: Callable[[str], None] | None = None,
) -> FastAPI:
    """The application. `places` are runs and folders of runs; `note` hears of every request.

    Its `state.line` is to be closed at the end.
    """
    app = FastAPI(
        title="Portrayal",
        version=__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
    )
    desk = Desk(
        models,
        limits,
        Line(limits.workers, limits.waiting),
        PerMinute(limits.per_minute),
        behind_proxy,
    )
    shelf = Shelf(places)
    app.state.line = desk.line
    app.add_middleware(Calm)
    app.add_middleware(LimitBody, most=limits.bytes, refuse=refusal)
    app.add_middleware(OnlyHere, hosts=hosts)
    app.add_middleware(shell.SecurityHeaders)
    add_errors(app)
    add_facts(app, desk)
    for router in (
        translating(desk),
        job_routes(desk, Jobs(limits)),
        run_routes(shelf, models),
    ):
        app.include_router(router)
    add_pages(app, desk, shelf)
    if note:
        app.add_middleware(Noted, note=note, paths=app.openapi()["paths"])
    return app


def add_facts(app: FastAPI, desk: Desk) -> None:
    """What clients may ask about the server. All answered in the event loop: never behind work."""

    @app.get("/api/models", tags=["facts"])
    async def models() -> list[dict[str, Any]]:
        """The models; the first one is taken if none is named."""
        return [model.facts() for model in desk.models.values()]

    @app.get("/api/limits", tags=["facts"])
    async def limits() -> dict[str, Any]:
        """What is allowed."""
        return asdict(desk.limits)

    @app.get("/health", tags=["facts"])
    async def health() -> dict[str, Any]:
        """The server is alive, and how busy."""
        line = desk.line
        return {"status": "ok", "working": len(line.working), "waiting": len(line.queue)}

    @app.get("/ready", tags=["facts"])
    async def ready() -> dict[str, Any]:
        """The models are loaded; 503 if there is none."""
        if not desk.models:
            raise Refusal(503, "No model is loaded.")
        return {"status": "ready", "models": list(desk.models)}


def add_pages(app: FastAPI, desk: Desk, shelf: Shelf) -> None:
    """Pages for people, and our own files."""

    def context() -> dict[str, Any]:
        models = [model.facts() for model in desk.models.values()]
        return {"models": models, "limits": asdict(desk.limits)}

    @app.get("/", include_in_schema=False)
    async def translate() -> Response:
        return shell.page("app_translate.html", **context())

    @app.get("/runs", include_in_schema=False)
    async def runs() -> Response:
        return shell.page("app_runs.html", **context())

    @app.get("/runs/{name}", include_in_schema=False)
    def run(name: str) -> Response:
        shelf.run(name)
        return shell.page("app_run.html", run=name, **context())

    @app.get("/api", include_in_schema=False)
    async def api(request: Request) -> Response:
        listed = endpoints(app.openapi(), str(request.base_url))
        return shell.page("api.html", groups=listed, **context())

    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str) -> Response:
        return shell.static(name)


def add_errors(app: FastAPI) -> None:
    """Every refusal is one line: {"error": ...}."""

    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> Response:
        plain = {404: "There is nothing here.", 405: "That cannot be done here."}
        text = str(error.detail)
        if text in ("Not Found", "Method Not Allowed"):
            text = plain[error.status_code]
        if wants_page(request):
            return error_page(request, error.status_code, text)
        return refusal(error.status_code, text, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = error.errors()[0]
        if wrong["loc"][:2] == ("path", "job"):
            return refusal(404, "There is no such job; it may have been forgotten.")
        return refusal(422, f"{wrong['loc'][-1]}: {wrong['msg']}.")

    @app.exception_handler(Full)
    async def full(request: Request, error: Full) -> Response:
        return refusal(503, str(error), {"retry-after": str(error.after)})

    @app.exception_handler(Often)
    async def often(request: Request, error: Often) -> Response:
        return refusal(429, str(error), {"retry-after": str(error.after)})

    @app.exception_handler(UserError)
    async def failed(request: Request, error: UserError) -> Response:
        return refusal(422, str(error))


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks for a page, and not a script for an answer."""
    asked = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    return asked and not request.url.path.startswith(("/api/", "/static/"))


def error_page(request: Request, status: int, text: str) -> Response:
    """A refusal as a page with the way back."""
    title = "Not found" if status == 404 else "That did not work"
    up = "../" * (request.url.path.count("/") - 1)
    return shell.page("app_error.html", status=status, title=title, text=text, up=up)
