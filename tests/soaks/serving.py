"""A server in a process of its own, many clients, and what they see."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
QUIET = {**os.environ, "PORTRAYAL_OFFLINE": "1"}


def make_run(folder, width=32):
    """An untrained run with networks of the usual size."""
    from untrained import make_dataset, make_run

    data = make_dataset(folder / "data", {"train": 2, "val": 1, "test": 1})
    return make_run(folder / "runs" / "soaked", data, width=width)


def picture(side, seed=0):
    """A soft picture with some noise, as a JPEG."""
    from untrained import smooth

    from portrayal.core.images import encode

    return encode(smooth(seed, side, side), ".jpg")


class Server:
    """`portrayal serve` on a free port, without the limit per address."""

    def __init__(self, run, engine="torch", *, workers=4, waiting=16, cwd=None, env=None):
        self.words = [sys.executable, "-u", "-m", "portrayal", "serve", str(run), "--port", "0"]
        self.words += ["--per-minute", "0", "--engine", engine, "--quiet"]
        self.words += ["--workers", str(workers), "--waiting", str(waiting)]
        self.cwd, self.env = cwd, {**QUIET, **(env or {})}

    def __enter__(self):
        self.process = subprocess.Popen(
            self.words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=self.cwd, env=self.env,
        )  # fmt: skip
        self.log = []
        for line in self.process.stdout:
            self.log.append(line)
            if "http://" in line:
                self.port = int(line.split("http://")[1].split("/")[0].rsplit(":", 1)[1])
                break
        else:
            raise RuntimeError("".join(self.log))
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        return self

    def read(self):
        self.log.extend(self.process.stdout)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(300)
        self.reader.join(10)
        self.process.stdout.close()

    def memory(self):
        """Resident megabytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1000


@dataclass
class Figures:
    """Of one part of a soak. Rates in answers a second, times in milliseconds."""

    seconds: float
    engine_rate: float
    rate: float
    answered: int
    refused: int  # 503
    errors: int  # anything else
    health_p50: float
    health_p99: float
    health_worst: float
    memory_before: float
    memory_after: float


def alone(run, engine, side, seconds):
    """The engine's own rate: read, translate, write, by as many threads, in a new process."""
    words = [sys.executable, __file__, str(run), engine, str(side), str(seconds)]
    said = subprocess.run(words, capture_output=True, text=True, env=QUIET, check=True)
    return float(said.stdout.split()[-1])


def engine_rate(run, engine, side, seconds, workers=4):
    """Answers a second without a server."""
    from concurrent.futures import ThreadPoolExecutor

    from portrayal.web.models import find_runs, load_models
    from portrayal.web.translating import Order, Wish
    from portrayal.web.waiting import Made, Work

    (model,) = load_models(find_runs([Path(run)]), engine=engine).values()
    wish = Wish(model="", reverse=False, show_input=False, resize=False, format="png")
    order = Order(model, picture(side), wish, 24)

    def work(end):
        done = 0
        while time.monotonic() < end:
            order(Work(lambda work: Made(b"", "", {}), 60))
            done += 1
        return done

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, [time.monotonic() + 1] * workers))  # warm
        began = time.monotonic()
        done = sum(pool.map(work, [began + seconds] * workers))
        return done / (time.monotonic() - began)


async def ask(reader, writer, request):
    """Status, headers and body of the answer."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.split("content-length:")[1].split("\r\n")[0])
    return int(head.split()[1]), head, await reader.readexactly(length)


async def client(port, request, end, seen):
    """Ask again and again on one connection; wait as long as a refusal says."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while time.monotonic() < end:
            status, head, body = await ask(reader, writer, request)
            seen.append(status if status != 200 or body.startswith(b"\x89PNG") else -1)
            if status == 503:
                wait = int(head.split("retry-after:")[1].split("\r\n")[0])
                await asyncio.sleep(max(0, min(wait, end - time.monotonic())))
                # after the server's 5 s without a request a connection may have gone
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, asyncio.IncompleteReadError):
        seen.append(0)
    finally:
        writer.close()


def ask_health(port, seconds, found):
    """In a process of its own: milliseconds of ten requests a second, put into the queue."""
    import http.client

    line, took, end = http.client.HTTPConnection("127.0.0.1", port), [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        line.request("GET", "/health")
        assert line.getresponse().read().startswith(b'{"status":"ok"')
        took.append(1000 * (time.perf_counter() - began))
        time.sleep(0.1)
    found.put(took)


def request_of(content, path="/api/translate", kind="image/jpeg"):
    """The bytes of a POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def soak(server, clients, side, seconds, rate):
    """All clients for so many seconds."""
    context = multiprocessing.get_context("spawn")
    found, seen = context.Queue(), []
    request = request_of(picture(side))
    warm = time.monotonic() + min(5, seconds / 5)  # memory settles
    await asyncio.gather(*[client(server.port, request, warm, []) for _ in range(clients)])
    before, began = server.memory(), time.monotonic()
    pinger = context.Process(target=ask_health, args=(server.port, seconds, found))
    pinger.start()
    end = began + seconds
    await asyncio.gather(*[client(server.port, request, end, seen) for _ in range(clients)])
    took = time.monotonic() - began
    times = np.array(await asyncio.to_thread(found.get, True, 600))
    pinger.join()
    return Figures(
        seconds=round(took, 1),
        engine_rate=round(rate, 2),
        rate=round(seen.count(200) / took, 2),
        answered=seen.count(200),
        refused=seen.count(503),
        errors=len(seen) - seen.count(200) - seen.count(503),
        health_p50=round(float(np.percentile(times, 50)), 1),
        health_p99=round(float(np.percentile(times, 99)), 1),
        health_worst=round(float(times.max()), 1),
        memory_before=round(before, 1),
        memory_after=round(server.memory(), 1),
    )


def growth(readings):
    """From the first to the last on the straight line through all, as a share of their mean.

    Single readings swing by some per cent, as arenas are filled and given back.
    """
    slope, _ = np.polyfit(range(len(readings)), readings, 1)
    return float(slope * (len(readings) - 1) / np.mean(readings))


def verdict(rows):
    """What was reached, in a line, and which promises fell."""
    share = sum(row.rate for row in rows) / sum(row.engine_rate for row in rows)
    drift = growth([value for row in rows for value in (row.memory_before, row.memory_after)])
    p99 = float(np.median([row.health_p99 for row in rows]))
    errors = sum(row.errors for row in rows)
    fell = {
        "errors": errors > 0,
        "rate": share < 0.8,
        "memory": drift > 0.05,
        "health": p99 >= 50,
    }
    answered, refused = sum(row.answered for row in rows), sum(row.refused for row in rows)
    text = (
        f"{sum(row.seconds for row in rows):.0f} s, {answered} answered, {refused} refused (503), "
        f"{errors} errors, {share:.0%} of the engine's rate, memory {drift:+.1%}, health p99 "
        f"{p99:.0f} ms (median of the parts), load {os.getloadavg()[0]:.1f}"
    )
    short = [name for name, fallen in fell.items() if fallen]
    return text + (f"; FELL SHORT: {', '.join(short)}" if short else ""), short


if __name__ == "__main__":
    given, engine, side, seconds = sys.argv[1:5]
    print(engine_rate(given, engine, int(side), float(seconds)))
