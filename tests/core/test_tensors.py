"""Files of tensors from strangers: nothing in them runs, no claim is believed."""

import io
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from portrayal.core.tensors import Unreadable, metadata_in, state_in, tensors_in

STATE = {"adam": {"state": {0: {"step": torch.tensor(3.0), "m": torch.arange(12.0).view(4, 3)}}}}


class Call:
    """Pickles to a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.fixture
def stored(tmp_path):
    torch.save(STATE, tmp_path / "state.pt")
    return tmp_path / "state.pt"


def rewritten(path, packing=zipfile.ZIP_STORED, **entries):
    """The archive with other entries, named by the end of their names."""
    out = path.with_name("rewritten.pt")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            end = entry.filename.rpartition("/")[2].replace(".", "_")
            new.writestr(entry.filename, entries.get(end, old.read(entry)), packing)
    return out


def pickle_in(path):
    with zipfile.ZipFile(path) as archive:
        return archive.read("state/data.pkl")


def legacy(path, content):
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


def test_what_torch_saves_comes_back_in_both_of_its_formats(stored, tmp_path):
    for path in (stored, legacy(tmp_path / "old.pth", STATE)):
        m = state_in(path)["adam"]["state"][0]["m"]
        assert torch.equal(m, STATE["adam"]["state"][0]["m"])
    kept = state_in(stored)
    stored.write_bytes(b"")  # what was read does not hang on the file
    assert kept["adam"]["state"][0]["m"].sum() == 66


def test_a_network_s_state_dict_with_parameters_is_plain(tmp_path):
    network = torch.nn.BatchNorm2d(3)
    torch.save(network.state_dict(keep_vars=True), tmp_path / "a.pth")
    assert set(state_in(tmp_path / "a.pth")) == set(network.state_dict())


def test_a_pickle_in_disguise_is_refused_under_every_suffix_and_never_run(stored, tmp_path):
    marker = tmp_path / "ran"
    evil = pickle.dumps({"a": Call(os.mkdir, str(marker))}, 2)
    files = {
        "zip": rewritten(stored, data_pkl=evil).read_bytes(),
        "bare": evil,
        "new": pickle.dumps(Call(os.mkdir, str(marker)), 5),
        "legacy": legacy(tmp_path / "l", {"a": Call(os.mkdir, str(marker))}).read_bytes(),
    }
    for content in files.values():
        for suffix in (".pt", ".pth", ".safetensors", ".bin", ".json", ""):
            path = tmp_path / f"file{suffix}"
            path.write_bytes(content)
            for read in (state_in, tensors_in, metadata_in):
                with pytest.raises(Unreadable) as caught:
                    read(path)
                assert "\n" not in str(caught.value)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (bytearray, (10**12,), "bytearray"),  # torch's weights_only would take the memory
        (torch.Tensor, (10**6, 10**6), "torch._C.TensorBase|torch.Tensor|torch._tensor.Tensor"),
        (complex, (1, 2), "complex"),
        (torch.zeros, (10**6, 10**6), "getattr"),
    ],
)
def test_names_that_are_no_tensors_are_refused_before_torch_sees_them(
    stored, function, arguments, named
):
    words = pickle.dumps({"a": Call(function, *arguments)}, 2)
    with pytest.raises(Unreadable, match=f"it names .*({named}).*nothing of it was run"):
        state_in(rewritten(stored, data_pkl=words))


def test_tensors_that_claim_more_than_the_file_are_refused(stored):
    words = pickle_in(stored)
    shape, large = b"K\x04K\x03\x86", b"J" + struct.pack("<i", 2**31 - 1)
    assert words.count(shape) == 1
    stride = b"K\x03K\x01\x86"
    still = b"K\x00K\x00\x86"  # every element is the first one: a view that needs no storage
    claims = words.replace(shape, large + large + b"\x86")
    for mutant in (claims, claims.replace(stride, still)):
        with pytest.raises(Unreadable):
            state_in(rewritten(stored, data_pkl=mutant))
    claim = words.replace(shape, large + b"K\x01\x86").replace(stride, still)
    with pytest.raises(Unreadable, match=r"claim \d+ bytes, the file has \d+"):
        state_in(rewritten(stored, data_pkl=claim))


def test_archives_that_torch_would_not_write_are_refused(stored, tmp_path):
    with pytest.raises(Unreadable, match="is packed"):
        state_in(rewritten(stored, zipfile.ZIP_DEFLATED))
    whole = stored.read_bytes()
    path = tmp_path / "other.pt"
    for content, why in (
        (whole + b"more", "does not end with its directory"),
        (b"PK\x03\x04" + whole, "does not begin with its first entry"),
        (whole[: len(whole) // 2], "does not end with its directory"),
    ):
        path.write_bytes(content)
        with pytest.raises(Unreadable, match=why):
            state_in(path)
    with pytest.raises(Unreadable, match="its pickle has 1048577 bytes, more than 1048576"):
        state_in(rewritten(stored, data_pkl=b"]" * (2**20 + 1)))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/words.pkl", b"")
    with pytest.raises(Unreadable, match=r"no single data\.pkl"):
        state_in(path)


def test_an_old_tar_is_refused(tmp_path):
    with tarfile.open(tmp_path / "old.pt", "w") as tar:
        tar.addfile(tarfile.TarInfo("../escaped"), io.BytesIO())
    with pytest.raises(Unreadable, match=r"not a file of torch\.save"):
        state_in(tmp_path / "old.pt")


def test_no_pipe_or_folder_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    for path in (tmp_path / "pipe.safetensors", tmp_path, tmp_path / "none"):
        for read in (state_in, tensors_in):
            with pytest.raises(Unreadable, match="cannot be read"):
                read(path)


@pytest.mark.parametrize(
    ("length", "why"),
    [
        (2**63, "claims a header of 9223372036854775808 bytes, the file has"),
        (2**20 + 1, "its header has 1048577 bytes, more than 1048576"),
    ],
)
def test_a_safetensors_header_is_not_believed(tmp_path, length, why):
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        file.write(length.to_bytes(8, "little") + b"{}")
        file.truncate(2**20 + 100 if length < 2**30 else 20)
    with pytest.raises(Unreadable, match=why):
        tensors_in(path)


def test_shapes_take_no_memory_and_are_those_of_the_tensors(tmp_path):
    tensors = {
        "a": torch.ones(3, 2),
        "b": torch.zeros((), dtype=torch.int64),
        "c": torch.ones(5, dtype=torch.bfloat16),
    }
    save_file(tensors, tmp_path / "a.safetensors", {"about": "text"})
    shapes = tensors_in(tmp_path / "a.safetensors", shapes_only=True)
    for name, tensor in tensors_in(tmp_path / "a.safetensors").items():
        assert torch.equal(tensor, tensors[name])
        assert shapes[name].is_meta
        assert (shapes[name].shape, shapes[name].dtype) == (tensor.shape, tensor.dtype)
    assert metadata_in(tmp_path / "a.safetensors") == {"about": "text"}


MEASURE = """
import resource, sys
from pathlib import Path
import torch
from portrayal.core.tensors import Unreadable, state_in, tensors_in
Path(sys.argv[2]).write_bytes(b"")
torch.ones(3).clone()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read = state_in if sys.argv[1].endswith(".pt") else tensors_in
kept = read(Path(sys.argv[1]))
print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
"""


def test_reading_takes_at_most_twice_the_file(tmp_path):
    large = {f"t{i}": torch.ones(2**20) for i in range(16)}
    torch.save(large, tmp_path / "a.pt")
    save_file(large, tmp_path / "a.safetensors")
    for name in ("a.pt", "a.safetensors"):
        words = [sys.executable, "-c", MEASURE, tmp_path / name, tmp_path / "scratch"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        size = (tmp_path / name).stat().st_size
        assert int(done.stdout) <= 2 * size + 16 * 2**20
