"""The command line as a whole: errors are one line, codes mean what they say, help is quick."""

import os
import signal
import subprocess
import sys
import time

import pytest
import typer

from portrayal.cli import COMMANDS, answer, run
from portrayal.core.errors import BadData, Interrupted

PROGRAM = [sys.executable, "-m", "portrayal"]


def raising(error):
    def command():
        raise error

    return command


def lines(text):
    return [line for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trian"], "No command named 'trian'. Did you mean 'train'?"),
        (["--versoin"], "No option named '--versoin'. Did you mean '--version'?"),
        (
            ["doctor", "--jsn"],
            "No option named '--jsn'. Did you mean '--json'? See portrayal doctor --help.",
        ),
        (["doctor", "extra"], "unexpected extra argument"),
        (["--with", "nowhere.py", "doctor"], "nowhere.py: no such Python file."),
    ],
)
def test_a_mistyped_name_is_one_line_with_the_nearest_right_one(arguments, said, capsys):
    assert answer(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(lines(err)) == 1
    assert err.startswith("Error: ")
    assert said in err


def test_an_error_of_the_user_is_one_line_and_code_2(capsys):
    assert run(raising(BadData("data is\nempty: 0 pictures. Give another folder."))) == 2
    assert capsys.readouterr().err == "Error: data is empty: 0 pictures. Give another folder.\n"


def test_a_signal_while_python_shuts_down_changes_neither_code_nor_output():
    """A second Ctrl-C may come when everything is saved and said; also after Python's last line."""
    late = """
import atexit, os, signal, sys, threading
from portrayal.cli import main

class Last:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.SIGINT):
        kill(pid, number)

sys.modules["portrayal.last"] = Last()  # dies in the last part of the shutdown
atexit.register(os.kill, os.getpid(), signal.SIGINT)
sys.argv = ["portrayal", "--version"]
main()
"""
    done = subprocess.run([sys.executable, "-c", late], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupted_command_returns_the_code_it_carries(capsys):
    assert (
        run(raising(Interrupted("Stopped at step 7; run the same command to go on.", 143))) == 143
    )
    assert capsys.readouterr().err == "Stopped at step 7; run the same command to go on.\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_control_c_returns_130_without_a_traceback(error, capsys):
    assert run(raising(error)) == 130
    assert capsys.readouterr().out == ""


def test_our_own_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))


def test_a_command_returning_nothing_succeeds_and_exit_codes_pass_through():
    assert run(lambda: None) == 0
    assert run(lambda: 3) == 3


def test_version_is_printed(capsys):
    assert answer(["--version"]) == 0
    assert capsys.readouterr().out == "portrayal 0.1.0\n"


def test_help_lists_every_command(capsys):
    assert answer(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)


def test_no_argument_shows_the_help(capsys):
    assert answer([]) == 2
    out, err = capsys.readouterr()
    assert "Usage: portrayal" in out
    assert err == ""


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from portrayal.cli import answer; answer(['--help']); "
        "heavy = {'torch', 'numpy', 'cv2', 'pydantic', 'PIL', 'matplotlib'} & sys.modules.keys(); "
        "print('heavy:', *sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy:"


def test_python_m_portrayal_is_the_same_program():
    done = subprocess.run([*PROGRAM, "trian"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: No command named 'trian'.")


def test_a_reader_that_leaves_early_ends_the_program_quietly():
    reader, writer = os.pipe()
    os.close(reader)  # before it starts: it might have printed all before we close it
    done = subprocess.run([*PROGRAM, "--help"], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_real_control_c_ends_a_command_with_130(tmp_path):
    sleeper = tmp_path / "sleeper.py"
    ready = tmp_path / "ready"
    sleeper.write_text(f"import time\nopen({str(ready)!r}, 'w').close()\ntime.sleep(30)\n")
    program = subprocess.Popen([*PROGRAM, "--with", str(sleeper), "doctor"], stderr=subprocess.PIPE)
    while not ready.exists():
        time.sleep(0.02)
    program.send_signal(signal.SIGINT)
    assert b"Traceback" not in program.communicate()[1]
    assert program.returncode == 130


@pytest.mark.parametrize("attempt", range(12))
def test_however_often_control_c_is_pressed_the_code_is_130_and_nothing_is_printed(attempt):
    """Also in the lines that answer the first one: Python then ends by the signal itself (-2)."""
    waiting = """
import time
import portrayal.cli
def wait():
    print("ready", flush=True)
    time.sleep(60)
portrayal.cli.answer = lambda _: portrayal.cli.run(wait)
portrayal.cli.main()
"""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", waiting], **pipes) as program:
        program.stdout.readline()
        while program.poll() is None:
            program.send_signal(signal.SIGINT)
        assert (program.returncode, program.stderr.read()) == (130, b"")


def test_control_c_beside_a_command_and_while_python_shuts_down_is_130_too():
    """It may come before a command begins to answer, and a second one after Python's last line."""
    beside = """
import os, signal, sys
import portrayal.cli

class Last:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.SIGINT):
        kill(pid, number)

sys.modules["portrayal.last"] = Last()
portrayal.cli.answer = lambda _: os.kill(os.getpid(), signal.SIGINT)
portrayal.cli.main()
"""
    done = subprocess.run([sys.executable, "-c", beside], capture_output=True, timeout=600)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_a_job_that_was_told_to_ignore_control_c_goes_on():
    """As a shell starts `portrayal ... &` in a script."""
    ignoring = """
import os, signal, sys
import portrayal.cli
signal.signal(signal.SIGINT, signal.SIG_IGN)
portrayal.cli.answer = lambda _: os.kill(os.getpid(), signal.SIGINT) or 0
portrayal.cli.main()
"""
    assert subprocess.run([sys.executable, "-c", ignoring], timeout=600).returncode == 0


FORMS = [
    ["--with={}", "--version"],
    ["--with", "{}", "doctor", "--help"],
    ["doctor", "--help", "--with={}"],
    ["--with={}", "doctor", "--with", "{}", "--help"],
]


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_the_user_adds_to_a_catalogue(form, tmp_path, capsys):
    from portrayal.filters import filters

    file = tmp_path / f"mine_{len(form)}.py"
    file.write_text(
        "from portrayal.filters import filters\n\n"
        f"@filters\ndef upside_down_{len(form)}(pixels):\n    return pixels[::-1]\n"
    )
    assert answer([word.format(file) for word in form]) == 0
    assert f"upside_down_{len(form)}" in filters.entries
    del filters.entries[f"upside_down_{len(form)}"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\nx = y\n", "line 2: NameError: name 'y' is not defined"),
        ("def f(:\n", "line 1: SyntaxError"),
    ],
)
def test_a_broken_file_of_the_user_is_one_line_naming_its_line(code, said, tmp_path, capsys):
    file = tmp_path / "broken.py"
    file.write_text(code)
    assert answer(["--with", str(file), "doctor"]) == 2
    err = capsys.readouterr().err
    assert len(lines(err)) == 1
    assert said in err
