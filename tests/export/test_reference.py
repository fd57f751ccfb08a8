"""Old generators become runs: same pixels for every variant, one line for everything else."""

import json
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from reference_networks import resnet, trained, u_net

import portrayal
from portrayal.cli import answer
from portrayal.core.errors import BadData, BadOption, CannotWrite
from portrayal.core.images import encode_png
from portrayal.core.runs import read_json
from portrayal.export.reference import import_reference
from portrayal.inference.translator import How

FIXTURES = ["unet_128_batch", "resnet_9_instance", "resnet_6_batch_drop"]
VARIANTS = {
    "unet_256-2-batch": lambda: u_net(8, 2, "batch"),
    "unet_256-2-instance": lambda: u_net(8, 2, "instance", dropout=0),
    "unet_128-3-instance": lambda: u_net(7, 3, "instance"),
    "unet_128-2-none": lambda: u_net(7, 2, "none"),
    "unet_64-2-batch": lambda: u_net(6, 2, "batch"),
    "resnet_9-3-instance": lambda: resnet(9, 3, "instance"),
    "resnet_9-2-batch": lambda: resnet(9, 2, "batch"),
    "resnet_9-2-batch-dropout": lambda: resnet(9, 2, "batch", dropout=True),
    "resnet_6-2-instance-dropout": lambda: resnet(6, 2, "instance", dropout=True),
    "resnet_6-2-none": lambda: resnet(6, 2, "none"),
    "resnet_6-2-none-dropout": lambda: resnet(6, 2, "none", dropout=True),
    "resnet_9-2-instance-resize": lambda: resnet(9, 2, "instance", upsampling="resize"),
    "resnet_6-2-batch-resize-dropout": lambda: resnet(
        6, 2, "batch", upsampling="resize", dropout=True
    ),
}


def saved(network, path, change=lambda state: state):
    torch.save(change(OrderedDict(network.state_dict())), path)
    return path


def picture(side, count=2):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def same_pixels(run, source, wanted, **how):
    with torch.inference_mode():
        ours = portrayal.load(run, device="cpu").recipe.translate(source, **how)
    torch.testing.assert_close(ours / 2, wanted / 2, atol=1e-5, rtol=0)  # in 0..1


@pytest.mark.parametrize("name", FIXTURES)
def test_a_file_of_the_reference_itself_translates_to_the_same_pixels(name, shared, tmp_path):
    folder = shared / "fixtures" / "reference_generators" / name
    import_reference(folder / "latest_net_G.pth", tmp_path / "run")
    pair = torch.load(folder / "io.pt", weights_only=True)
    same_pixels(tmp_path / "run", pair["input"], pair["output_eval"])


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_recognised_and_translates_to_the_same_pixels(name, tmp_path):
    theirs = trained(VARIANTS[name]())
    found = import_reference(saved(theirs, tmp_path / "latest_net_G.pth"), tmp_path / "run")
    network, width, norm, *more = name.split("-")
    assert (found.network, found.width, found.norm) == (network, int(width), norm)
    assert found.nested or (found.dropout > 0) == ("dropout" in more)
    assert (found.upsampling == "resize") == ("resize" in more)
    source = picture(int(network.removeprefix("unet_")) if found.nested else 64)
    with torch.inference_mode():
        wanted = theirs(source)
    assert wanted.std() > 0.01
    same_pixels(tmp_path / "run", source, wanted)


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (  # saved while wrapped for several GPUs
            lambda: u_net(6, 2, "batch"),
            lambda state: {f"module.{key}": tensor for key, tensor in state.items()},
        ),
        (
            lambda: resnet(6, 2, "batch"),
            lambda state: {f"_orig_mod.module.{key}": tensor for key, tensor in state.items()},
        ),
        (  # PyTorch before 0.4.1 did not count batches
            lambda: u_net(6, 2, "batch"),
            lambda state: {k: t for k, t in state.items() if "num_batches" not in k},
        ),
        (lambda: resnet(6, 2, "batch"), lambda state: dict(sorted(state.items()))),
        (lambda: u_net(6, 2, "batch"), lambda state: dict(reversed(state.items()))),
    ],
)
def test_wrappers_order_and_counts_do_not_matter(make, change, tmp_path):
    theirs = trained(make())
    import_reference(saved(theirs, tmp_path / "G.pth", change), tmp_path / "run")
    with torch.inference_mode():
        same_pixels(tmp_path / "run", picture(64), theirs(picture(64)))


def test_statistics_that_old_instance_norms_kept_are_left_out_and_said(tmp_path):
    theirs, notes = trained(resnet(6, 2, "instance")), []

    def with_statistics(state):
        return state | {"model.2.running_mean": torch.ones(2), "model.2.running_var": torch.ones(2)}

    file = saved(theirs, tmp_path / "G.pth", with_statistics)
    assert import_reference(file, tmp_path / "run", note=notes.append).norm == "instance"
    assert "Statistics" in notes[0]
    with torch.inference_mode():
        same_pixels(tmp_path / "run", picture(64), theirs(picture(64)))


def test_half_precision_weights_are_read(tmp_path):
    theirs = trained(u_net(6, 2, "batch")).half().float()
    import_reference(
        saved(
            theirs,
            tmp_path / "G.pth",
            lambda s: {k: t.half() if t.ndim else t for k, t in s.items()},
        ),
        tmp_path / "run",
    )
    with torch.inference_mode():
        same_pixels(tmp_path / "run", picture(64), theirs(picture(64)))


def test_two_generators_make_a_run_of_both_directions(tmp_path):
    there, back = (trained(resnet(6, 2, "instance"), seed) for seed in (0, 1))
    files = [saved(n, tmp_path / f"{i}.pth") for i, n in enumerate((there, back))]
    import_reference(files[0], tmp_path / "run", back=files[1])
    with torch.inference_mode():
        same_pixels(tmp_path / "run", picture(64), there(picture(64)))
        same_pixels(tmp_path / "run", picture(64), back(picture(64)), reverse=True)


def test_one_direction_alone_does_not_translate_back(tmp_path, noise):
    import_reference(saved(trained(resnet(6, 2, "instance")), tmp_path / "G.pth"), tmp_path / "run")
    translator = portrayal.load(tmp_path / "run", device="cpu")
    with pytest.raises(BadOption, match="one direction only"):
        translator.translate(noise(64, 64), How(reverse=True))


def test_two_generators_of_different_shape_are_no_pair(tmp_path):
    files = [
        saved(trained(resnet(blocks, 2, "instance")), tmp_path / f"{blocks}.pth")
        for blocks in (6, 9)
    ]
    with pytest.raises(
        BadData,
        match=r"6\.pth and .*9\.pth are no pair; they differ in network \(resnet_6, resnet_9\)",
    ):
        import_reference(files[0], tmp_path / "run", back=files[1])


def test_train_like_keeps_dropout_and_batch_statistics_on(tmp_path):
    theirs = trained(u_net(6, 2, "batch", dropout=0))
    file = saved(theirs, tmp_path / "G.pth")
    import_reference(file, tmp_path / "run", train_like=True)
    translator = portrayal.load(tmp_path / "run", device="cpu")
    assert translator.noisy and translator.config["config"]["dropout"] == 0.5
    cyclegan = saved(trained(resnet(6, 2, "instance")), tmp_path / "A.pth")
    with pytest.raises(BadOption, match="train-like"):
        import_reference(cyclegan, tmp_path / "other", train_like=True)


def test_the_run_says_where_it_came_from_and_holds_only_the_generator(tmp_path):
    file = saved(trained(u_net(6, 2, "batch")), tmp_path / "latest_net_G.pth")
    import_reference(file, tmp_path / "run", size=64)
    config = read_json(tmp_path / "run" / "config.json")
    assert config["imported"]["generator"]["file"] == "latest_net_G.pth"
    translator = portrayal.load(tmp_path / "run", device="cpu")
    assert translator.training_size == (64, 64)
    assert translator.about["networks"] == ["generator"]


class Trap:
    """Unpickling this would run a command."""

    def __reduce__(self):
        return print, ("trapped",)


def rename(key, other):
    return lambda state: {other if name == key else name: tensor for name, tensor in state.items()}


NOT_FINITE = u_net(6, 2, "batch").state_dict()
NOT_FINITE["model.model.0.weight"][0, 0] = torch.nan


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"a": Trap()}, "nothing else is read"),
        (b"not a file of torch", "nothing else is read"),
        ([1, 2], "no tensors by name"),
        ({}, "no tensors by name"),
        ({"epoch": 3, "netG": {}}, "no tensors by name"),
        ({"model.0.weight": torch.zeros(64, 6, 4, 4)}, "not a discriminator"),
        ({"conv.weight": torch.zeros(4)}, "no U-Net or ResNet"),
        ({"model.model.7.weight": torch.zeros(4, 3, 4, 4)}, "no U-Net or ResNet"),
        (u_net(5, 2, "batch").state_dict(), "unet_32, which is not known"),
        (resnet(7, 2, "batch").state_dict(), "resnet_7, which is not known"),
        (resnet(6, 2, "batch", upsampling="zeros").state_dict(), "enlarges in a way"),
        (resnet(6, 2, "batch", channels=1).state_dict(), "1 channels to 1"),
        (u_net(6, 2, "batch", channels=4).state_dict(), "4 channels to 4"),
        (resnet(6, 2, "batch").state_dict() | {"model.4.filt": torch.ones(2, 1, 3, 3)}, "1 keys"),
        (rename("model.2.weight", "model.3.weight")(resnet(6, 2, "batch").state_dict()), "4 keys"),
        (
            resnet(6, 2, "batch").state_dict() | {"model.4.weight": torch.zeros(5, 2, 3, 3)},
            r"model.4.weight is \(5, 2, 3, 3\), not \(4, 2, 3, 3\)",
        ),
        (
            {k: t for k, t in u_net(6, 2, "batch").state_dict().items() if "running" not in k},
            "weights but no statistics",
        ),
        (NOT_FINITE, "not finite"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_one_line_and_leaves_nothing(content, reason, tmp_path, capsys):
    path = tmp_path / "G.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(BadData, match=reason) as refusal:
        import_reference(path, tmp_path / "run")
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "run" / "config.json").exists()
    assert "trapped" not in capsys.readouterr().out


def test_a_missing_file_and_a_folder_in_use_are_one_line(tmp_path):
    with pytest.raises(BadData, match=r"absent.pth is no file. Give"):
        import_reference(tmp_path / "absent.pth", tmp_path / "run")
    file = saved(trained(u_net(6, 2, "batch")), tmp_path / "G.pth")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").touch()
    with pytest.raises(CannotWrite, match="in use"):
        import_reference(file, tmp_path / "run")


def test_every_damaged_byte_of_a_file_is_refused_or_harmless(tmp_path):
    path = saved(trained(u_net(6, 2, "none")), tmp_path / "G.pth")
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    with zipfile.ZipFile(path) as file:  # the part that an unpickler reads
        index = next(i for i in file.infolist() if i.filename.endswith("data.pkl"))
    for place in rng.integers(index.header_offset, index.header_offset + index.file_size, 40):
        damaged = bytearray(whole)
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            import_reference(path, tmp_path / f"run{place}")
        except BadData as error:
            assert "\n" not in str(error)


def test_the_command_says_what_it_found_and_the_run_translates(tmp_path, noise, capsys):
    file = saved(trained(u_net(6, 2, "batch")), tmp_path / "latest_net_G.pth")
    assert answer(["import", str(file), "--out", str(tmp_path / "run"), "--size", "64"]) == 0
    assert "unet_64, width 2, batch norm" in capsys.readouterr().out
    (tmp_path / "photo.png").write_bytes(encode_png(noise(70, 50)))
    command = ["translate", str(tmp_path / "run"), str(tmp_path / "photo.png")]
    assert answer([*command, "--out", str(tmp_path / "made"), "--device", "cpu"]) == 0
    assert (tmp_path / "made" / "photo.png").exists()
    assert answer(["report", str(tmp_path / "run")]) == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["preset"] == "imported"


@pytest.mark.parametrize("train_like", [False, True])
def test_an_import_says_what_it_is_wherever_it_is_shown(tmp_path, capsys, train_like):
    run, file = (
        tmp_path / "run",
        saved(trained(u_net(6, 2, "batch")), tmp_path / "latest_net_G.pth"),
    )
    import_reference(file, run, train_like=train_like)
    assert answer(["report", str(run)]) == 0
    assert "Imported from" in capsys.readouterr().out
    page = (run / "report.html").read_text()
    assert "latest_net_G.pth" in page and "learning_rate" not in page and "log.jsonl" not in page
    assert answer(["export", str(run), "--to", "hub", "--out", str(tmp_path / "hub")]) == 0
    card = (tmp_path / "hub" / "README.md").read_text()
    assert "were imported from a file" in card and "step 0" not in card
    assert ("Train-like: dropout" in page) == ("Train-like: dropout" in card) == train_like
    capsys.readouterr()
    exported = answer(["export", str(run), "--to", "onnx", "--out", str(tmp_path / "a.onnx")])
    assert exported == (2 if train_like else 0)
    if train_like:
        assert "keeps dropout and batch statistics on" in capsys.readouterr().err
    assert answer(["evaluate", str(run)]) == 2
    assert "does not know its dataset" in capsys.readouterr().err
