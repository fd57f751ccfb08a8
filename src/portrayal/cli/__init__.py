"""Floor 8: the command line. One file per command; the only floor that prints.

`portrayal --help` must answer at once, so a command's module is imported only when it is used and
its line in the list of commands stands in the table below (a test compares it with the command's
own first line). Command modules import typer and the standard library at the top, all else inside.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module
from keyword import iskeyword
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from portrayal import __version__
from portrayal.cli.options import With, extension_paths, load_extensions
from portrayal.core.errors import Interrupted, UnknownName, UserError

COMMANDS = {  # in the order of the work; the text is the first line of the command's docstring
    "prepare": "Turn pictures of any kind into a dataset folder.",
    "inspect": "Show what a dataset folder or a folder of pictures holds.",
    "train": "Train a recipe on a dataset folder.",
    "sweep": "Train a recipe with many settings and compare them on validation.",
    "translate": "Translate a picture, a folder of pictures, a video or standard input.",
    "evaluate": "Score a run, or two folders of pictures with the same names.",
    "recognise": "Train a small recogniser on the real target pictures of a dataset.",
    "compare": "Compare scored runs: one table, one page, and which differences hold.",
    "robustness": "Measure a run on other pictures, other filters and damaged inputs.",
    "probe": "Look for shortcuts: does a badge in a corner change the whole picture?",
    "study": "Let people judge pictures blindly: make, serve and count a study.",
    "serve": "Serve trained models: a page to translate pictures, the runs, and an API.",
    "report": "Write a run's report: one HTML file that opens offline.",
    "export": "Write a run's model as ONNX, as a page for browsers or as a folder for a hub.",
    "import": "Make a run of a generator saved by pytorch-CycleGAN-and-pix2pix.",
    "doctor": "Say what is here: device, precision, versions, weights, free disk.",
    "demo": "Run the whole way once on generated shapes: about two minutes on two cores.",
}
ClickException: Any = typer.BadParameter.__mro__[2]  # typer does not export it


class Commands(TyperGroup):
    """A group that lists its commands from the table and imports only the one that is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Only a line for the list of commands; `resolve_command` gives the command itself."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name], rich_markup_mode="rich")

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str, Any, list[str]]:
        """The command that the first argument names, imported now."""
        name = args[0]
        if name not in COMMANDS:
            raise UnknownName("command", name, COMMANDS)
        return name, load_command(name), args[1:]


def load_command(name: str) -> Any:
    """The click command `name` out of portrayal/cli/NAME.py: its `app` or the function NAME.

    A name that Python keeps for itself has a trailing underscore there: import_.
    """
    own = f"{name}_" if iskeyword(name) else name
    module = import_module(f"portrayal.cli.{own}")
    found = getattr(module, "app", None)
    if not isinstance(found, typer.Typer):
        found = typer.Typer(add_completion=False, rich_markup_mode="rich")
        found.command(name)(getattr(module, own))
    command = typer.main.get_command(found)
    command.name = name
    return complete(command)


def complete(command: Any) -> Any:
    """The command with `--with`, all defaults shown, and brackets that rich takes for no markup."""
    if not hasattr(command, "commands") and not any("--with" in p.opts for p in command.params):
        command.params.append(with_option())
    command.help = (command.help or "").replace("[", "\\[")
    for parameter in command.params:
        parameter.help = (parameter.help or "").replace("[", "\\[")
        if not parameter.required and not isinstance(parameter.show_default, str):
            if parameter.default is None or parameter.default == []:
                parameter.show_default = "none"
            elif parameter.default is False and not parameter.secondary_opts:
                parameter.show_default = "off"
    for below in getattr(command, "commands", {}).values():
        complete(below)
    return command


def with_option() -> Any:
    """The option `--with` for commands that need not see it: `answer` has loaded its files."""
    options = {option.opts[0]: option for option in typer.main.get_command(app).params}
    options["--with"].expose_value = False
    return options["--with"]


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_version(wanted: bool) -> None:
    """Print the version and leave, if wanted."""
    if wanted:
        print(f"portrayal {__version__}")
        raise typer.Exit


Version = typer.Option(
    "--version",
    callback=print_version,
    is_eager=True,
    help="Print the version and leave. E.g. portrayal --version",
)


@app.callback()
def portrayal(
    version: Annotated[bool, Version] = False,
    with_files: With = None,
) -> None:
    """Train an image-to-image translator on your own pictures, and know how good it is.

    Example: portrayal demo --out demo
    """
    load_extensions(with_files or [])


def answer(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""

    def command() -> object:
        load_extensions(extension_paths(arguments))  # before `prepare` lists its sources
        program = typer.main.get_command(app)
        return program.main(list(arguments), prog_name="portrayal", standalone_mode=False)

    return run(command)


def run(command: Callable[[], object]) -> int:
    """The exit code of `command()`: errors of the user become one line, bugs keep a traceback."""
    try:
        code = command()
        sys.stdout.flush()  # a reader that has left is found out here, not at shutdown
        return code if isinstance(code, int) else 0
    except UserError as error:
        return complain(str(error))
    except ClickException as error:
        return complain_of_usage(error)
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        return stop.code
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def complain(message: str) -> int:
    """Print one line; the exit code of a wrong input."""
    print("Error:", " ".join(message.split()), file=sys.stderr)
    return 2


def complain_of_usage(error: Any) -> int:
    """What typer found wrong with a command line, as one line with the nearest right option."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":  # the help page is printed already
        return 2
    path = context.command_path if context else "portrayal"
    if type(error).__name__ == "NoSuchOption":
        wrong = error.option_name
        near = get_close_matches(wrong, long_options(context), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return complain(f"No option named {wrong!r}.{hint} See {path} --help.")
    return complain(f"{error.format_message().rstrip()} See {path} --help.")


def long_options(context: Any) -> Iterator[str]:
    """All options of the command that `context` stands for."""
    for parameter in context.command.get_params(context):
        yield from (*parameter.opts, *parameter.secondary_opts)


def interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """The first Ctrl-C ends the command; one more leaves at once, whatever is being tidied up."""
    signal.signal(number, lambda *_: os._exit(130))
    raise KeyboardInterrupt


def main() -> None:
    """The console script."""
    code = 130
    try:
        # a shell tells a job in the background of a script to ignore it: that stays
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, interrupt)
        code = answer(sys.argv[1:])
        # the work is over: one more Ctrl-C must neither change the exit code nor print a traceback
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:  # while the first one was being answered; it comes only once
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)
