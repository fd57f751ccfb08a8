"""The pages of a blind study: consent, trials, thanks. The key is never read here.

GET  /                      what it is about, and the button that joins
POST /join                  a new voter, sent on to their own link
GET  /v/TOKEN               the trials; the link is all a voter needs to come back
GET  /v/TOKEN/trials        their trials in order, and which are answered
POST /v/TOKEN/votes         {"trial", "answer", "ms"}; stored when it is answered, once per trial
POST /v/TOKEN/shown         {"trial", "visit"}, before its time begins: {"first": in no other visit}
POST /v/TOKEN/delete        forgets the voter and all their votes
GET  /pictures/NAME.png     under blinded names
"""

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Request
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as Refusal
from starlette.responses import JSONResponse, RedirectResponse, Response

from portrayal.core.errors import UserError
from portrayal.evaluation.study.plan import Study, Trial, read_study, trials_of
from portrayal.evaluation.study.votes import Vote, Votes
from portrayal.web import shell
from portrayal.web.bodies import LimitBody
from portrayal.web.guards import Calm

MOST_VOTERS = 10_000
BODY = 4096  # bytes; a vote has about 60
MOST_BODIES = 1_000_000
Token = Annotated[str, InPath(min_length=20, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]


class Given(BaseModel):
    """A vote as it arrives."""

    trial: str = Field(max_length=20)
    answer: str = Field(max_length=64)
    ms: int | None = Field(None, ge=0, le=86_400_000)


class Shown(BaseModel):
    """A trial that is about to be shown, by a page that calls itself `visit`."""

    trial: str = Field(max_length=20)
    visit: str = Field(min_length=8, max_length=40)


def study_app(folder: Path, *, most: int = MOST_VOTERS) -> FastAPI:
    """The application that serves one study folder."""
    study, votes = read_study(folder), Votes(folder)
    app = FastAPI(title=study.title, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Calm)
    app.add_middleware(LimitBody, most=BODY, together=MOST_BODIES)
    app.add_middleware(shell.SecurityHeaders)
    add_errors(app, study)
    add_pages(app, study, folder)
    add_voting(app, study, votes, most)
    return app


def add_pages(app: FastAPI, study: Study, folder: Path) -> None:
    """Consent, pictures and our own files."""
    known = {
        name for item in study.items for name in (*item.options, item.input, item.reference) if name
    }

    @app.get("/")
    def start() -> Response:
        count = study.trials + len(study.of("practice")) + len(study.of("check"))
        return shell.page("study_start.html", study=study, count=count)

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        return shell.static(name)

    @app.get("/pictures/{name}.png")
    def picture(name: str) -> Response:
        if name not in known:
            raise HTTPException(404, "There is no such picture.")
        content = (folder / "pictures" / f"{name}.png").read_bytes()
        return Response(content, media_type="image/png", headers=shell.FOREVER)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}


def add_voting(app: FastAPI, study: Study, votes: Votes, most: int) -> None:
    """Joining, the trials, the votes and their deletion."""

    def voter_of(token: str) -> int:
        number = votes.voter(token)
        if number is None:
            raise HTTPException(404, "This link is not known; its votes may have been deleted.")
        return number

    def trial_of(number: int, name: str) -> Trial:
        for trial in trials_of(study, number - 1):
            if trial.id == name:
                return trial
        raise HTTPException(422, f"You have no trial {name!r}.")

    @app.post("/join")
    def join() -> Response:
        return RedirectResponse(f"v/{votes.join(most)}", 303)

    @app.get("/v/{token}")
    def vote_page(token: Token) -> Response:
        voter_of(token)
        return shell.page("study_vote.html", study=study)

    @app.get("/v/{token}/trials")
    def trials(token: Token) -> dict[str, Any]:
        number = voter_of(token)
        return asked(study, trials_of(study, number - 1), votes.trials(number))

    @app.post("/v/{token}/votes")
    def vote(token: Token, given: Given) -> dict[str, str]:
        number = voter_of(token)
        trial = trial_of(number, given.trial)
        if given.answer not in (study.answers or trial.shown):
            raise HTTPException(422, f"{given.answer!r} is no answer to this trial.")
        kept = votes.store(Vote(number, trial.id, trial.item, trial.shown, given.answer, given.ms))
        return {"trial": trial.id, "answer": kept}

    @app.post("/v/{token}/shown")
    def shown_now(token: Token, given: Shown) -> dict[str, bool]:
        number = voter_of(token)
        return {"first": votes.show(number, trial_of(number, given.trial).id, given.visit)}

    @app.post("/v/{token}/delete")
    def delete(token: Token) -> dict[str, int]:
        return {"deleted": votes.delete(voter_of(token))}


def asked(study: Study, trials: Sequence[Trial], done: Container[str]) -> dict[str, Any]:
    """What a voter's page needs to go on."""
    return {
        "kind": study.kind,
        "seconds": study.seconds,
        "answers": study.answers,
        "levels": study.levels,
        "trials": [shown(trial) | {"done": trial.id in done} for trial in trials],
    }


def shown(trial: Trial) -> dict[str, Any]:
    """A trial as a voter may know it: checks look like all others."""
    return {
        "id": trial.id,
        "practice": trial.role == "practice",
        "pictures": trial.shown,
        "input": trial.input,
        "reference": trial.reference,
    }


def add_errors(app: FastAPI, study: Study) -> None:
    """One line, as a page to people and as JSON to our script."""

    def answer(request: Request, status: int, text: str) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return shell.page(
                "study_error.html", status=status, code=status, study=study, text=text
            )
        return JSONResponse({"detail": text}, status)

    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> Response:
        plain = {404: "There is no such page.", 405: "That cannot be done here."}
        text = str(error.detail)
        if text in ("Not Found", "Method Not Allowed"):
            text = plain[error.status_code]
        return answer(request, error.status_code, text)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = error.errors()[0]
        if wrong["loc"][:2] == ("path", "token"):
            return answer(request, 404, "This link is not known.")
        place = ".".join(str(part) for part in wrong["loc"])
        return answer(request, 422, f"{place}: {wrong['msg']}.")

    @app.exception_handler(UserError)
    async def failed(request: Request, error: UserError) -> Response:
        return answer(request, 503, str(error))
