import json
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest

from portrayal.evaluation.study.plan import read_key, read_study, trials_of
from portrayal.evaluation.study.votes import Votes
from portrayal.web.study import study_app


@pytest.fixture
def client(make_study, serve):
    folder = make_study()
    with httpx.Client(base_url=serve(study_app(folder, most=3)), timeout=60) as client:
        client.folder = folder
        yield client


def join(client):
    """The path of a new voter's link."""
    answer = client.post("/join", follow_redirects=False)
    assert answer.status_code == 303
    return "/" + answer.headers["location"]


def trials(client, link):
    return client.get(f"{link}/trials").json()["trials"]


def give(client, link, trial, answer=None, **more):
    body = {"trial": trial["id"], "answer": answer or trial["pictures"][0], "ms": 400, **more}
    return client.post(f"{link}/votes", json=body)


def test_a_voter_joins_votes_and_finds_everything_as_it_was(client):
    assert "Which picture looks most real?" in client.get("/").text
    link = join(client)
    assert client.get(link).status_code == 200
    first, second, *rest = trials(client, link)
    assert first["practice"]
    assert not second["practice"]
    assert give(client, link, first).json() == {"trial": "0000", "answer": first["pictures"][0]}
    assert [t["done"] for t in trials(client, link)] == [True, False, *[False] * len(rest)]
    assert [vote.trial for vote in Votes(client.folder)] == ["0000"]


def test_a_vote_sent_twice_is_stored_once_and_a_later_answer_changes_nothing(client):
    link = join(client)
    trial = trials(client, link)[0]
    answers = [give(client, link, trial, name).json()["answer"] for name in trial["pictures"]]
    assert set(answers) == {trial["pictures"][0]}
    assert Votes(client.folder).counts() == (1, 1)


def test_a_trial_is_shown_for_the_first_time_once_and_that_is_forgotten_with_the_voter(client):
    one, two = join(client), join(client)

    def first(link, trial="0001", visit="a-reload"):
        return client.post(f"{link}/shown", json={"trial": trial, "visit": visit}).json()

    assert [first(one, visit="the-first"), first(one), first(one, "0002")] == [
        {"first": f} for f in (True, False, True)
    ]
    assert first(one, visit="the-first") == {"first": True}  # its answer may have been lost
    assert first(two) == {"first": True}  # each voter for themselves
    assert (
        client.post(f"{one}/shown", json={"trial": "9999", "visit": "a-reload"}).status_code == 422
    )
    for body in ({}, {"trial": "0001"}, {"trial": "0001", "visit": ""}):
        assert client.post(f"{one}/shown", json=body).status_code == 422
    assert Votes(client.folder).counts() == (2, 0) and not trials(client, one)[1]["done"]
    client.post(f"{one}/delete")
    with closing(sqlite3.connect(client.folder / "votes.sqlite")) as file:
        assert file.execute("SELECT * FROM looks").fetchall() == [(2, "0001", "a-reload")]


def test_two_tabs_at_once_get_one_look_between_them_and_a_deleted_voter_none(client):
    votes = Votes(client.folder)
    number = votes.voter(join(client).rsplit("/", 1)[-1])
    tabs = [f"tab-{tab}" for tab in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for trial in ("0000", "0001", "0002"):
            firsts = list(pool.map(lambda tab: votes.show(number, trial, tab), tabs))  # noqa: B023
            assert sum(firsts) == 1
    votes.delete(number)
    assert not votes.show(number, "0003", "tab-0")


def test_a_study_whose_votes_are_older_than_time_limits_kept_goes_on(client, serve):
    link = join(client)
    give(client, link, trials(client, link)[0])
    with closing(sqlite3.connect(client.folder / "votes.sqlite")) as file:
        file.execute("DROP TABLE looks")
    with httpx.Client(base_url=serve(study_app(client.folder)), timeout=60) as later:
        assert [trial["done"] for trial in trials(later, link)][:2] == [True, False]
        shown = later.post(f"{link}/shown", json={"trial": "0001", "visit": "a-reload"})
        assert shown.json() == {"first": True}
        assert later.post(f"{link}/delete").json() == {"deleted": 1}


def test_each_voter_has_trials_of_their_own(client):
    one, two = join(client), join(client)
    study = read_study(client.folder)
    for number, link in enumerate((one, two)):
        wanted = [list(trial.shown) for trial in trials_of(study, number)]
        assert [trial["pictures"] for trial in trials(client, link)] == wanted


def test_nothing_that_is_served_says_whose_picture_it_is_or_what_is_a_check(client):
    link = join(client)
    text = client.get("/").text + client.get(link).text + client.get(f"{link}/trials").text
    key = read_key(client.folder)
    for word in ("check", "i0000", *key["models"], *key["items"].values()):
        assert f'"{word}"' not in text
    keys = {frozenset(trial) for trial in trials(client, link)}
    assert keys == {frozenset(["id", "practice", "pictures", "input", "reference", "done"])}
    for path in ("key.json", "pictures/key.png", "votes.sqlite", "static/shell.py"):
        assert client.get(f"/{path}").status_code == 404, path
    for path in ("pictures/..%2fkey.json", "pictures/%2e%2e%2fkey.png", "static/%2e%2e%2fshell.py"):
        assert client.get(f"/{path}").status_code == 404, path


def test_pictures_are_served_and_kept_and_pages_are_not(client):
    link = join(client)
    name = trials(client, link)[0]["pictures"][0]
    answer = client.get(f"/pictures/{name}.png")
    assert answer.content == (client.folder / "pictures" / f"{name}.png").read_bytes()
    assert "immutable" in answer.headers["cache-control"]
    assert client.get(link).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/study.js", "/v/unknown", "/health"])
def test_every_answer_forbids_to_load_anything_from_elsewhere(client, path):
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


def test_no_cookie_is_set_and_no_address_is_stored_or_logged(client, caplog):
    caplog.set_level(logging.DEBUG)
    link = join(client)
    give(client, link, trials(client, link)[0])
    assert not client.cookies
    stored = b"".join(file.read_bytes() for file in client.folder.glob("votes.sqlite*"))
    assert b"127.0.0.1" not in stored
    assert link.rsplit("/", 1)[1].encode() not in stored
    logged = [r.getMessage() for r in caplog.records if not r.name.startswith("http")]  # ours
    assert not [text for text in logged if "127.0.0.1" in text and "running on" not in text]


def test_deleted_votes_are_gone_and_the_link_with_them(client):
    link = join(client)
    for trial in trials(client, link)[:3]:
        give(client, link, trial)
    assert client.post(f"{link}/delete").json() == {"deleted": 3}
    assert Votes(client.folder).counts() == (0, 0)
    assert client.get(f"{link}/trials").status_code == 404
    assert "may have been deleted" in give(client, link, {"id": "0000", "pictures": ["x"]}).text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"trial": "0000", "answer": "nonsense"}, 422),
        ({"trial": "9999", "answer": "x"}, 422),
        ({"trial": "0000"}, 422),
        ({"trial": "0000", "answer": "x", "ms": -1}, 422),
        ({"trial": "0000", "answer": "x" * 5000}, 413),
        ([1], 422),
        ("x", 422),
    ],
)
def test_votes_that_make_no_sense_are_refused_in_one_line_and_not_stored(client, body, status):
    link = join(client)
    answer = client.post(f"{link}/votes", content=json.dumps(body),
                         headers={"content-type": "application/json"})  # fmt: skip
    assert answer.status_code == status
    assert len(answer.text) < 300
    assert Votes(client.folder).counts() == (1, 0)


def test_a_body_is_cut_off_whatever_its_length_header_claims(client):
    link = join(client)
    answer = client.post(f"{link}/votes", content=(b"x" * 1000 for _ in range(100)))
    assert answer.status_code == 413


def test_a_full_study_says_so_to_people_and_to_scripts(client):
    for _ in range(3):
        link = join(client)
        give(client, link, trials(client, link)[0])
    answer = client.post("/join", headers={"accept": "text/html"})
    assert answer.status_code == 503
    assert "takes 3 voters and has them all" in answer.text
    assert "<h1>" in answer.text
    assert client.post("/join").json()["detail"].startswith("This study takes 3 voters")


def test_a_flood_of_joins_fills_no_disk_and_keeps_no_voter_out(client):
    voter = join(client)
    first, second, *_ = trials(client, voter)
    give(client, voter, first)

    def size():
        return sum(path.stat().st_size for path in client.folder.glob("votes.sqlite"))

    def flood(_):
        return client.post("/join").status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(flood, range(50))) == {303}
        before = size()
        assert set(pool.map(flood, range(250))) == {303}
    assert Votes(client.folder).counts() == (3, 1)
    assert size() <= before + 4096  # a page at most
    assert give(client, voter, second).status_code == 200  # whoever votes stays
    late = join(client)
    give(client, late, trials(client, late)[0])
    assert Votes(client.folder).counts() == (3, 3)
    lost = client.get(f"{voter[:-4]}none/trials")
    assert (lost.status_code, lost.text.count("\n")) == (404, 0)


def test_an_unknown_link_is_a_page_with_one_line(client):
    answer = client.get("/v/aaaaaaaaaaaaaaaaaaaaaa", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert "This link is not known" in answer.text


def test_titles_questions_and_consent_are_text_and_no_markup(make_study, serve):
    mark = "<script>alert(1)</script>"
    folder = make_study("hostile", title=mark, question=mark, consent=mark)
    with httpx.Client(base_url=serve(study_app(folder)), timeout=60) as client:
        for path in ("/", join(client), "/nothing"):
            text = client.get(path, headers={"accept": "text/html"}).text
            assert mark not in text
            assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("kind", "good", "bad"), [("real_or_fake", "fake", "maybe"), ("rating", "5", "6")]
)
def test_single_pictures_take_the_answers_of_their_kind(make_study, serve, kind, good, bad):
    folder = make_study(kind, kind=kind, seconds=2.0)
    with httpx.Client(base_url=serve(study_app(folder)), timeout=60) as client:
        link = join(client)
        trial = trials(client, link)[0]
        assert len(trial["pictures"]) == 1
        assert give(client, link, trial, bad).status_code == 422
        assert give(client, link, trial, good).json()["answer"] == good
