"""Weight files: the local one first, downloaded whole or not at all, checked before use."""

import functools
import hashlib
import http.server
import pickle
import re
import subprocess
import sys
import threading

import pytest
import torch
from safetensors.torch import save_file

from portrayal.core.errors import BadData, CannotWrite, MissingPart, UnknownName
from portrayal.features.download import CHUNK, download
from portrayal.features.weights import KNOWN, Known, load, locate, read

CONTENT = bytes(range(256)) * 20_000  # 5 MB: several chunks
SHA = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT at /file; /broken stops half way; /stubborn forgets where it stopped."""

    asked: list[tuple[str, str | None]]

    def do_GET(self):
        self.asked.append((self.path, self.headers["Range"]))
        if self.path == "/none":
            return self.send_error(404)
        first = int(re.findall(r"\d+", self.headers["Range"] or "0")[0])
        if self.path == "/stubborn":
            first = 0
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(CONTENT) - first))
        self.end_headers()
        rest = CONTENT[first:]
        fresh = sum(path == self.path for path, _ in self.asked) == 1
        stops = {"/broken": fresh, "/stubborn": fresh, "/hopeless": True}.get(self.path, False)
        half = min(2 * CHUNK + 17, len(rest)) if self.path != "/hopeless" else 0
        return self.wfile.write(rest[:half] if stops else rest)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    asked: list[tuple[str, str | None]] = []
    handler = type("Handler", (Server,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()
        thread.join()


fetch = functools.partial(download, pause=0)


def test_a_download_is_whole_checked_and_told_step_by_step(server, tmp_path):
    url, _ = server
    seen = []
    fetch(f"{url}/file", tmp_path / "new" / "w.pth", SHA, progress=lambda *at: seen.append(at))
    assert (tmp_path / "new" / "w.pth").read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(seen) >= 5
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["w.pth"]


def test_a_broken_connection_goes_on_where_it_broke(server, tmp_path):
    url, asked = server
    fetch(f"{url}/broken", tmp_path / "w.pth", SHA)
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
    assert asked == [("/broken", None), ("/broken", f"bytes={2 * CHUNK + 17}-")]


def test_a_server_that_cannot_continue_starts_again(server, tmp_path):
    url, asked = server
    fetch(f"{url}/stubborn", tmp_path / "w.pth", SHA)
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("path", "line"),
    [("/none", "the server answers 404 Not Found"), ("/hopeless", "the connection broke off")],
)
def test_what_does_not_come_is_said_at_once_and_leaves_nothing(server, tmp_path, path, line):
    url, asked = server
    with pytest.raises(MissingPart, match=line):
        fetch(f"{url}{path}", tmp_path / "w.pth", SHA)
    assert len(asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_machine_without_network_is_told_so(tmp_path):
    with pytest.raises(MissingPart, match=r"The download failed \(.*refused"):
        fetch("http://127.0.0.1:9/w.pth", tmp_path / "w.pth", SHA)


def test_other_content_is_not_kept(server, tmp_path):
    url, _ = server
    with pytest.raises(BadData, match=rf"has SHA-256 {SHA[:12]}... instead of 0123\.\.\.; nothing"):
        fetch(f"{url}/file", tmp_path / "w.pth", "0123")
    assert list(tmp_path.iterdir()) == []


def test_a_file_address_works_too_and_a_file_in_the_way_is_one_line(tmp_path):
    (tmp_path / "there").write_bytes(CONTENT)
    address = (tmp_path / "there").as_uri()
    fetch(address, tmp_path / "w.pth", SHA[:8])
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
    with pytest.raises(CannotWrite, match="a file stands"):
        fetch(address, tmp_path / "there" / "w.pth", SHA)
    with pytest.raises(MissingPart, match="download failed"):
        fetch((tmp_path / "nowhere").as_uri(), tmp_path / "x.pth", SHA)


def small(folder, name="w.safetensors", **known):
    """A weight file and what is known of it."""
    state = {"a": torch.arange(4.0), "b": torch.ones(2, 2)}
    folder.mkdir(exist_ok=True)
    save_file(state, folder / name)
    sha = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return state, Known("Something", {"published.pth": "00", name: sha}, **known)


def test_a_local_file_is_taken_before_any_download(tmp_path):
    _, known = small(tmp_path / "here", url="http://127.0.0.1:9/published.pth")
    places = [tmp_path / "none", tmp_path / "here", tmp_path / "cache"]
    assert locate(known, places) == tmp_path / "here" / "w.safetensors"


def test_a_damaged_local_file_is_not_used(tmp_path):
    _, known = small(tmp_path)
    with (tmp_path / "w.safetensors").open("ab") as file:
        file.write(b"!")
    with pytest.raises(
        BadData, match="it is damaged or another one: delete it, or give it another"
    ):
        locate(known, [tmp_path])


def test_a_missing_file_is_downloaded_into_the_cache_once(server, tmp_path):
    url, asked = server
    known = Known("Something", {"w.pth": SHA}, url=f"{url}/file")
    places = [tmp_path / "mine", tmp_path / "cache"]
    assert locate(known, places, offline=False) == tmp_path / "cache" / "w.pth"
    assert locate(known, places, offline=False) == tmp_path / "cache" / "w.pth"
    assert len(asked) == 1


def test_a_missing_file_is_one_line_which_what_for_and_where(tmp_path):
    where = f"{tmp_path / 'a'} or {tmp_path / 'b'}"
    places = [tmp_path / "a", tmp_path / "b"]
    url = "http://127.0.0.1:9/w.pth"
    lines = {
        f"Faces: w.pth or w.safetensors is not in {where}. Get it from a site and put it there.": (
            Known("Faces", {"w.pth": SHA, "w.safetensors": SHA}, site="a site"),
            False,
        ),
        f"Faces: w.pth is not in {where}, and PORTRAYAL_OFFLINE is set. Save {url} as "
        f"{tmp_path / 'b' / 'w.pth'}.": (Known("Faces", {"w.pth": SHA}, url=url), True),
    }
    for line, (known, offline) in lines.items():
        with pytest.raises(MissingPart) as caught:
            locate(known, places, offline=offline)
        assert str(caught.value) == line
    with pytest.raises(MissingPart, match=r"^Faces: w.pth is not in .*failed .* Save http://.* as"):
        locate(Known("Faces", {"w.pth": SHA}, url=url), places, offline=False)


def test_known_files_have_hashes_and_secure_addresses():
    for name, known in KNOWN.items():
        assert known.url.startswith("https://") or known.site.startswith("https://"), name
        for file, sha in known.files.items():
            assert re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{64}", sha), file
            stated = re.findall(r"-([0-9a-f]{8})\.pth$", file)
            assert not stated or sha.startswith(stated[0]), file


def test_all_files_of_the_shared_folder_are_known(shared):
    here = {file.name for file in (shared / "weights").glob("*.safetensors")}
    assert here <= {file for known in KNOWN.values() for file in known.files}
    found = [name for name in KNOWN if here & KNOWN[name].files.keys()]
    assert sorted(found) == ["facenet", "lpips_squeeze", "mobilefacenet", "squeezenet1_1"]
    for name in found:
        locate(KNOWN[name], [shared / "weights"], offline=True)


@pytest.mark.parametrize("wrapper", [None, "state_dict", "net_state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_torch_files_give_what_safetensors_files_give(tmp_path, wrapper, prefix):
    state, _ = small(tmp_path)
    named = {prefix + name: tensor for name, tensor in state.items()}
    torch.save({wrapper: named, "epoch": 3} if wrapper else named, tmp_path / "w.pth")
    for file in ("w.pth", "w.safetensors"):
        loaded = load(tmp_path / file)
        assert loaded.keys() == state.keys()
        assert all(torch.equal(loaded[name], state[name]) for name in state)


class Bomb:
    """Pickles as an order to raise SystemExit when it is loaded."""

    def __reduce__(self):
        return sys.exit, ("executed",)


def test_nothing_in_a_file_is_executed(tmp_path):
    torch.save({"a": Bomb()}, tmp_path / "bomb.pth")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Bomb()))
    for name in ("bomb.pth", "plain.pt"):
        with pytest.raises(BadData, match="is no file of weights"):
            read(tmp_path / name)


def test_broken_and_strange_files_are_one_line(tmp_path):
    (tmp_path / "empty.pth").touch()
    (tmp_path / "text.pth").write_text("<html>Not found</html>")
    (tmp_path / "text.safetensors").write_text("<html>Not found</html>")
    torch.save([torch.ones(1)], tmp_path / "list.pth")
    torch.save({}, tmp_path / "nothing.pth")
    torch.save({"a": torch.ones(1), "note": "hello"}, tmp_path / "mixed.pth")
    for file in sorted(tmp_path.iterdir()):
        with pytest.raises(BadData, match=re.escape(str(file))) as caught:
            read(file)
        assert "\n" not in str(caught.value)


def test_unknown_names_and_paths_are_answered(tmp_path):
    with pytest.raises(UnknownName, match=r"No weights named 'facnet'\. Did you mean 'facenet'"):
        load("facnet")
    with pytest.raises(MissingPart, match=r"No file of weights at .*none.pth. Known by name:"):
        load(tmp_path / "none.pth")


def test_looking_for_files_does_not_wait_for_torch():
    code = "import sys, portrayal.features.weights; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
