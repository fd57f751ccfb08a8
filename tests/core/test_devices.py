"""Where numbers are computed: chosen, described, and refused in one line."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from portrayal.core.devices import (
    DEVICES,
    Place,
    Ranks,
    choose_device,
    choose_place,
    fast_bfloat16,
    join_ranks,
)
from portrayal.core.errors import BadOption, UnknownName

CPU = torch.device("cpu")
no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


def test_the_cpu_is_chosen_by_name_and_by_auto_where_there_is_nothing_else():
    assert choose_device("cpu") == CPU
    if not any(DEVICES[kind]() for kind in ("cuda", "mps")):
        assert choose_device("auto") == choose_device() == CPU


@pytest.mark.parametrize("name", ["gpu", "cuad:1", "CPU", "", "meta", "xla", "none"])
def test_an_unknown_device_is_answered_in_one_line_with_the_known_ones(name):
    with pytest.raises(UnknownName, match=r"No device named .* Known: auto, cpu, cuda, mps\."):
        choose_device(name)


@no_gpu
@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_a_device_that_is_not_here_is_one_line(name):
    with pytest.raises(BadOption) as caught:
        choose_device(name)
    assert str(caught.value) == (
        f"Device '{name}' cannot be used: this computer or this build of torch has no cuda. "
        "Try auto or cpu."
    )


@pytest.mark.parametrize("name", ["cpu:x", "cpu:-2", "auto:1", "cpu:"])
def test_a_device_with_a_senseless_number_is_one_line(name):
    with pytest.raises(BadOption, match=r"cannot be used: [^\n]*\. Try auto or cpu\.$"):
        choose_device(name)


def test_the_precision_that_is_asked_for_is_given():
    assert choose_place("cpu", "float32").dtype == torch.float32
    assert choose_place("cpu", "bfloat16").dtype == torch.bfloat16
    auto = torch.bfloat16 if fast_bfloat16(CPU) else torch.float32
    assert choose_place("cpu", "auto").dtype == auto


def test_bfloat16_is_fast_where_the_processor_has_instructions_for_it():
    assert not fast_bfloat16(torch.device("mps"))
    told = Path("/proc/cpuinfo")
    flags = told.read_text(encoding="utf-8").split() if told.exists() else []
    if "flags" in flags:  # an x86 that says what it can
        assert fast_bfloat16(CPU) == bool({"avx512_bf16", "amx_tile"} & set(flags))


def test_the_layout_suits_the_device_unless_it_is_asked_for():
    assert not choose_place("cpu").channels_last
    assert choose_place("cpu", channels_last=True).memory_format == torch.channels_last
    assert choose_place("cpu", channels_last=False).memory_format == torch.contiguous_format


def test_a_ready_module_lies_in_the_layout_of_its_place_under_the_same_names():
    layer = nn.Conv2d(4, 4, 3)
    values, names = layer.weight.clone(), list(layer.state_dict())
    ready = choose_place("cpu", channels_last=True).ready(layer)
    assert ready.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(ready.weight, values)
    assert list(ready.state_dict()) == names


@pytest.mark.parametrize("compiled", [True, False])
def test_a_module_is_compiled_in_place_where_that_is_asked_for(compiled):
    class Noting(nn.Conv2d):
        asked = False

        def compile(self) -> None:  # the real one takes seconds
            self.asked = True

    layer = Noting(3, 3, 1)
    assert choose_place("cpu", compiled=compiled).ready(layer) is layer
    assert layer.asked == compiled


def test_convolutions_run_in_the_precision_of_the_place_and_weights_stay_float32():
    layer, picture = nn.Conv2d(3, 2, 1), torch.rand(1, 3, 4, 4)
    for precision in ("float32", "bfloat16"):
        place = choose_place("cpu", precision)
        with place.autocast():
            assert place.ready(layer)(picture).dtype == getattr(torch, precision)
        assert layer.weight.dtype == torch.float32
    assert layer(picture).dtype == torch.float32


def test_a_place_is_described_in_one_line():
    threads = torch.get_num_threads()
    place = Place(CPU, torch.bfloat16, channels_last=True, compile=True)
    assert place.describe() == f"cpu, {threads} threads, bfloat16, channels last, compiled"
    assert Place(CPU).describe() == f"cpu, {threads} threads, float32, channels first"
    assert Place(torch.device("mps")).describe() == "mps, float32, channels first"


def test_a_lone_process_is_rank_0_of_1_and_the_first():
    with join_ranks() as ranks:
        assert ranks == Ranks(0, 1)
        assert ranks.first
    assert not torch.distributed.is_initialized()
    assert not Ranks(1, 2).first


@pytest.mark.slow
def test_a_process_group_is_left_even_when_its_work_fails():
    code = """
import torch.distributed as dist
from portrayal.core.devices import join_ranks
try:
    with join_ranks() as ranks:
        print(ranks.rank, ranks.count, dist.is_initialized())
        raise ZeroDivisionError
except ZeroDivisionError:
    print(dist.is_initialized())
"""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, **place, "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for rank in "01"
    ]
    said = [process.communicate(timeout=600)[0].split("\n") for process in both]
    assert said == [["0 2 True", "False", ""], ["1 2 True", "False", ""]]
