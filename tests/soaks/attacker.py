"""Runs command lines in forked children and attacks their writes from outside.

    python attacker.py          reads one job per line on standard input, answers each with a line

A job (JSON): {"line": [words of a portrayal command], "ranks": 1, "log": file for what is said,
"attack": {"folder", "only", "at", "what"} or null, "after": the victim's processor seconds until
SIGKILL or null, "victim": rank that is attacked, "learn": file through which the modules that this
job needed are imported here, too}. The answer: {"codes": [...], "seconds": the victim's processor
time}. Processor time, because a busy machine would move every kill to where it hits nothing.

Nothing of portrayal is replaced. The interpreter itself tells about what touches a disk: its audit
events (open for writing, mkdir, rename, remove, truncate) and calls of C functions (write, flush,
fsync of files below the folder; torch's and safetensors' writers). Such a moment is a "write"; the
`at`-th one below `folder` whose path contains `only` is answered with SIGKILL or with an OSError,
as the system would, or finds that the disk has become full ("fill"). Torch is imported once, and
every child is forked from here: no start costs.
"""

import errno
import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

WRITERS = {"write", "writelines", "truncate"}  # of open files; flush and close only repeat them
REMOVALS = {"os.remove", "os.rmdir"}
AUDITED = {"os.rename", "os.mkdir", "os.truncate", "os.link", "os.symlink", *REMOVALS}
NATIVE = {("safetensors/torch.py", "save_file"), ("torch/serialization.py", "_save")}


class Attack:
    """Counts the writes of this process and strikes at one of them."""

    def __init__(self, folder, only="", at=0, what="kill", count_to=None):
        self.folder, self.only, self.at, self.what = str(folder), only, at, what
        self.count_to = count_to
        self.writes, self.last, self.lock = 0, "", threading.Lock()

    def arm(self):
        """From now on the interpreter reports to `audit` and `called`."""
        sys.addaudithook(self.audit)
        threading.setprofile(self.called)
        sys.setprofile(self.called)

    def audit(self, event, arguments):
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
            self.write(path)
        elif event in AUDITED:
            self.write(arguments[0], removal=event in REMOVALS)

    def called(self, frame, event, function):
        if event == "c_call":
            name = function.__name__
            if name in WRITERS:
                self.write(getattr(getattr(function, "__self__", None), "name", None))
            elif name == "fsync":
                self.write(self.last)
        elif event == "call" and frame.f_code.co_name in ("save_file", "_save"):
            known = any(
                frame.f_code.co_filename.endswith(file) and frame.f_code.co_name == name
                for file, name in NATIVE
            )
            if known:
                self.write(self.last)

    def write(self, path, *, removal=False):
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if not isinstance(path, (str, os.PathLike)):
            return
        path = os.fspath(path)
        if not path.startswith(self.folder) or self.only not in path:
            return
        with self.lock:
            self.last = path
            self.writes += 1
            strikes = self.writes == self.at
        if strikes:
            self.strike(path, removal)

    def strike(self, path, removal):
        if self.what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.what == "fill":
            fill(Path(self.folder).with_name("zeros"))
            return
        number = getattr(errno, self.what)
        if removal and number == errno.ENOSPC:
            return  # removing needs no space
        raise OSError(number, os.strerror(number), path)


def fill(path):
    """Take all that is free of a file system, which should be a small one; the writer goes on."""
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def child(job, rank, port):
    """One process of a job; never returns."""
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if job["ranks"] > 1:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1"}
        os.environ |= {"WORLD_SIZE": str(job["ranks"]), "MASTER_PORT": str(port)}
    if job.get("uid"):
        os.setgroups([])
        os.setuid(job["uid"])
    sys.argv = ["portrayal", *job["line"]]
    from portrayal.cli import answer

    attacked = job.get("attack") and rank == job.get("victim", 0)
    attack = Attack(**job["attack"]) if attacked else None
    code = 70
    try:
        if attack:
            attack.arm()
        code = answer(job["line"])
        sys.setprofile(None)
        if attack and attack.count_to:
            Path(attack.count_to).write_text(str(attack.writes))
        if job.get("learn") and rank == 0:
            Path(job["learn"]).write_text("\n".join(sys.modules))
    except BaseException:
        sys.setprofile(None)
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def fight(job):
    """Start the processes of a job, kill one if asked, wait; exit codes, -9 for a killed one."""
    port = free_port() if job["ranks"] > 1 else 0
    Path(job["log"]).write_bytes(b"")
    pids = []
    for rank in range(job["ranks"]):
        pid = os.fork()
        if not pid:
            child(job, rank, port)
        pids.append(pid)
    codes, seconds = {}, 0.0
    victim = pids[job.get("victim", 0)]
    limit = None  # when the others follow a rank that died, as torchrun sees to
    while len(codes) < len(pids):
        if job.get("after") is not None and victim not in codes and spent(victim) >= job["after"]:
            os.kill(victim, signal.SIGKILL)
            job["after"] = None
        for pid in pids:
            if pid not in codes:
                got, status, used = os.wait4(pid, os.WNOHANG)
                if got:
                    codes[pid] = os.waitstatus_to_exitcode(status)
                    limit = time.monotonic() + 2 if codes[pid] else limit
                    seconds = used.ru_utime + used.ru_stime if pid == victim else seconds
        if limit and time.monotonic() > limit:
            for pid in pids:
                if pid not in codes:
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
    return {"codes": [codes[pid] for pid in pids], "seconds": seconds}


def spent(pid):
    """Processor seconds of a child that was not waited for yet (Linux's clock of a process)."""
    return time.clock_gettime(~pid << 3 | 2)


def learn(names):
    """Import what a child had to import, so that the next ones need not."""
    for name in names:
        with suppress(Exception):
            import_module(name)
    assert threading.active_count() == 1, "a fork would lose threads"


def main():
    import torch

    torch.set_num_threads(1)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        job = json.loads(line)
        outcome = fight(job)
        if job.get("learn"):
            learn(Path(job["learn"]).read_text().split())
        print(json.dumps(outcome), file=answers, flush=True)


if __name__ == "__main__":
    main()
