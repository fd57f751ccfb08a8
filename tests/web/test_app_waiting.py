"""Who waits for whom: the line, jobs, limits of time, and people who leave."""

import asyncio
import socket
import time

import httpx
import pytest

from portrayal.core.images import encode, read_pixels, read_text
from portrayal.web.app import serving_app
from portrayal.web.jobs import Jobs
from portrayal.web.limits import Limits
from portrayal.web.waiting import Full, Line, Made, Stopped, Work, nothing

PNG = {"content-type": "image/png"}


@pytest.fixture
def serving(gate, small_run, serve):
    """serving(**limits): a client of a server with one model that waits, one place, one behind."""
    opened = []

    def start(**limits):
        app = serving_app([small_run], {"gate": gate}, Limits(workers=1, waiting=1, **limits))
        client = httpx.Client(base_url=serve(app), timeout=60)
        opened.append((app, client))
        return client

    yield start
    gate.forward.recipe.open.set()
    for app, client in opened:
        client.close()
        app.state.line.close()


def start_job(client, content):
    answer = client.post("/api/jobs", content=content, headers=PNG)
    return answer.json().get("job"), answer


def state_of(client, job):
    return client.get(f"/api/jobs/{job}").json()


def wait_for(condition, seconds=600):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_one_works_one_waits_others_are_sent_away_and_health_answers(serving, gate, noise):
    client, recipe, content = serving(), gate.forward.recipe, encode(noise(8, 8), ".png")
    first, _ = start_job(client, content)
    recipe.entered.acquire()
    second, _ = start_job(client, content)
    assert (state_of(client, first)["state"], state_of(client, first)["position"]) == ("working", 0)
    assert (state_of(client, second)["state"], state_of(client, second)["position"]) == (
        "queued",
        1,
    )
    for path in ("/api/jobs", "/api/translate"):
        answer = client.post(path, content=content, headers=PNG)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert "too many pictures are waiting" in answer.json()["error"].lower()
    assert client.post("/api/batch", files={"pictures": content}).status_code == 503
    assert client.get("/health").json() == {"status": "ok", "working": 1, "waiting": 1}
    assert client.get("/ready").status_code == 200
    assert client.get(f"/api/jobs/{first}/picture").status_code == 404
    recipe.open.set()
    events = client.get(f"/api/jobs/{second}/events").text  # until its end
    assert '"state": "done"' in events
    answer = client.get(f"/api/jobs/{second}/picture")
    assert (read_pixels(answer.content) == 255 - read_pixels(content)).all()


def test_the_progress_of_a_search_is_told(serving, gate, noise):
    client, recipe = serving(), gate.forward.recipe
    job, _ = start_job(client, encode(noise(8, 8), ".png"))
    recipe.entered.acquire()
    wait_for(lambda: state_of(client, job)["step"] == 40)
    state = state_of(client, job)
    assert (state["step"], state["steps"], state["loss"]) == (40, 1000, 0.125)
    with client.stream("GET", f"/api/jobs/{job}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        assert '"loss": 0.125' in next(events.iter_lines())


def test_what_a_search_has_is_shown_if_it_was_asked_for(serving, gate, noise):
    client, recipe, content = serving(), gate.forward.recipe, encode(noise(8, 8), ".png")
    asked = {"content": content, "headers": PNG, "params": {"snapshots": True}}
    job = client.post("/api/jobs", **asked).json()["job"]
    wait_for(lambda: state_of(client, job)["snapshots"] >= 2)
    answer = client.get(f"/api/jobs/{job}/picture")
    assert answer.status_code == 200 and int(answer.headers["x-portrayal-snapshot"]) >= 2
    signed = read_pixels(content) / 127.5 - 1  # the second snapshot is a quarter of the input
    assert abs(read_pixels(answer.content) - (signed / 4 + 1) * 127.5).max() < 1
    assert "portrayal" in str(read_text(answer.content)).lower(), "snapshots are marked too"
    recipe.open.set()
    wait_for(lambda: state_of(client, job)["state"] == "done")
    answer = client.get(f"/api/jobs/{job}/picture")
    assert "x-portrayal-snapshot" not in answer.headers
    assert (read_pixels(answer.content) == 255 - read_pixels(content)).all()


def test_waiting_and_working_jobs_can_be_cancelled(serving, gate, noise):
    client, recipe, content = serving(), gate.forward.recipe, encode(noise(8, 8), ".png")
    first, _ = start_job(client, content)
    recipe.entered.acquire()
    second, _ = start_job(client, content)
    assert client.delete(f"/api/jobs/{second}").json()["state"] == "cancelled"
    assert state_of(client, second)["state"] == "cancelled"
    assert client.get("/health").json()["waiting"] == 0
    client.delete(f"/api/jobs/{first}")
    wait_for(lambda: client.get("/health").json()["working"] == 0)  # it looked, and stopped
    assert client.get(f"/api/jobs/{first}/picture").status_code == 499
    client.delete(f"/api/jobs/{first}")
    assert client.get(f"/api/jobs/{first}").status_code == 404  # forgotten


def test_work_that_takes_too_long_is_504_and_gives_its_place_back(serving, gate, noise):
    client, content = serving(seconds=0.2), encode(noise(8, 8), ".png")
    answer = client.post("/api/translate", content=content, headers=PNG)
    assert (answer.status_code, answer.json()["error"][:28]) == (
        504,
        "This took longer than 0.2 s.",
    )
    wait_for(lambda: client.get("/health").json()["working"] == 0)
    gate.forward.recipe.open.set()
    post = {"content": content, "headers": PNG}  # a busy machine may need more than 0.2 s for it
    wait_for(lambda: client.post("/api/translate", **post).status_code == 200)


def test_who_leaves_while_waiting_is_taken_out_of_the_line(serving, gate, noise):
    client, content = serving(), encode(noise(8, 8), ".png")
    start_job(client, content)
    gate.forward.recipe.entered.acquire()
    head = f"POST /api/translate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n"
    place = (client.base_url.host, client.base_url.port)
    with socket.create_connection(place) as leaving:
        leaving.sendall(head.encode() + b"Content-Type: image/png\r\n\r\n" + content)
        wait_for(lambda: client.get("/health").json()["waiting"] == 1)
    wait_for(lambda: client.get("/health").json()["waiting"] == 0)


def test_a_slow_sender_does_not_keep_others_from_an_answer(serving):
    client = serving()
    with socket.create_connection((client.base_url.host, client.base_url.port)) as slow:
        slow.sendall(b"POST /api/translate HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
        assert client.get("/health").status_code == 200


def made(work):
    return Made(b"x" * 10, "image/png", {})


def test_a_wait_that_is_too_long_ends_with_503(gate):
    async def scene():
        line, stop = Line(1, 4), asyncio.Event()

        def hold(work):
            while not work.stop.wait(0.01):
                pass
            work.go_on()

        first = line.join(hold, 60)
        second = line.join(made, 60, patience=0.05)
        third = line.join(made, 60)
        assert [line.position(work) for work in (first, second, third)] == [0, 1, 2]
        await second.finished.wait()
        assert (second.state, second.status, second.after) == ("failed", 503, 1)
        assert second.error.endswith("try again in 1 s.")
        assert line.position(third) == 1
        line.leave(first)
        await third.finished.wait()
        assert third.state == "done"
        assert third.waited > 0
        assert not stop.is_set()
        line.close()

    asyncio.run(scene())


def test_a_bug_in_work_is_one_line_without_its_words(caplog):
    async def scene():
        line = Line(1, 0)

        def broken(work):
            raise ValueError("secret words")

        work = line.join(broken, 60)
        await work.finished.wait()
        assert (work.state, work.status) == ("failed", 500)
        assert "secret" not in work.error
        line.close()

    asyncio.run(scene())
    assert "ValueError in" in caplog.text
    assert "secret" not in caplog.text


def test_work_that_has_ended_holds_no_upload():
    async def scene():
        line = Line(1, 0)
        work = line.join(lambda work: made(work), 60)
        await work.finished.wait()
        assert work.task is nothing
        with pytest.raises(Stopped):
            work.task(work)
        line.close()

    asyncio.run(scene())


def test_a_full_line_says_so():
    async def scene():
        line = Line(1, 0)
        first = line.join(lambda work: work.stop.wait(30) and made(work), 60)
        with pytest.raises(Full, match="try again in"):
            line.join(made, 60)
        line.leave(first)
        line.close()

    asyncio.run(scene())


def test_the_wait_that_is_asked_for_is_that_for_the_next_place():
    async def scene():
        line = Line(2, 5)
        works = [line.join(lambda work: work.stop.wait(30) and made(work), 60) for _ in range(7)]
        for work in line.working:
            work.began += 600  # whatever the machine does: no time has passed
        assert line.wait() == 1  # nothing is known yet: a second each
        line.usual = 10
        assert line.wait() == 5  # two in work: one of them every 5 s
        works[0].began -= 660
        assert 30 <= line.wait() <= 40  # those in work are no quicker than that
        works[0].began -= 6000
        assert line.wait() == 120
        for work in works:
            line.leave(work)
        line.close()

    asyncio.run(scene())


def test_results_are_kept_some_minutes_and_not_too_many():
    now = [0.0]
    jobs = Jobs(Limits(kept=2, kept_minutes=1, kept_megabytes=25e-6), clock=lambda: now[0])

    def done(size=10):
        work = Work(made, 1)
        work.made = Made(bytes(size), "", {})
        work.settle("done")
        work.ended = now[0]
        jobs.add(work, "m")
        return work.id

    first, second, third = done(), done(), done()
    assert list(jobs.every) == [second, third]
    fourth = done(20)  # 40 bytes are too many
    assert list(jobs.every) == [fourth]
    now[0] = 61
    jobs.forget()
    assert not jobs.every
    assert first != second
    assert len(first) >= 32
    jobs.add(Work(made, 1), "m")  # unfinished ones stay
    now[0] = 1e6
    jobs.forget()
    assert len(jobs.every) == 1
