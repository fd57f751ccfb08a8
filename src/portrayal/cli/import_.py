"""`portrayal import`: somebody's old generator becomes a run."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(help="Saved generator. E.g. latest_net_G.pth")]
Out = Annotated[Path, typer.Option(help="Run folder to write. E.g. --out runs/old")]
Back = Annotated[
    Path | None,
    typer.Option(help="Generator of the other direction. E.g. --back latest_net_G_B.pth"),
]
Size = Annotated[
    int | None, typer.Option(min=1, help="Side of the training pictures. E.g. --size 256")
]
TrainLike = Annotated[
    bool,
    typer.Option("--train-like", help="Keep dropout and batch statistics on. E.g. --train-like"),
]


def import_(
    file: File,
    out: Out,
    back: Back = None,
    size: Size = None,
    train_like: TrainLike = False,
) -> None:
    """Make a run of a generator saved by pytorch-CycleGAN-and-pix2pix.

    What the network is follows from the names and shapes in the file: U-Net or ResNet, width,
    norm, dropout, upsampling. Only tensors are read; nothing in the file is run. The run translates
    to the same pixels. The reference's own pix2pix test keeps dropout and batch statistics on
    unless it is called with --eval: --train-like does the same.

    Examples: portrayal import latest_net_G.pth --out runs/facades
    portrayal import latest_net_G_A.pth --back latest_net_G_B.pth --out runs/horses
    """
    from portrayal.cli.progress import say, warn
    from portrayal.export.reference import import_reference

    found = import_reference(file, out, back=back, size=size, train_like=train_like, note=warn)
    say(f"{file.name}: {found.describe()}{', train-like' if train_like else ''}")
    say(f"Wrote {out}. Next: portrayal translate {out} PICTURES --out FOLDER")
