"""What these tests share: networks beside this file, and an exported page on a server."""

import functools
import http.server
import json
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the three modules that follow

from exported_page import NPM, PATIENCE, Quiet
from reference_networks import resnet, trained
from test_reference import saved

import portrayal
from portrayal.export.browser import export_browser
from portrayal.export.npm import ONNXRUNTIME_WEB
from portrayal.export.reference import import_reference


@pytest.fixture(scope="module")
def run(request, tmp_path_factory):
    """A ResNet of the WIDTH that a module of tests names."""
    width = getattr(request.module, "WIDTH", 4)
    folder = tmp_path_factory.mktemp("runs")
    file = saved(trained(resnet(6, width, "instance")), folder / "latest_net_G.pth")
    import_reference(file, folder / "run", size=64)
    return folder / "run"


@pytest.fixture(scope="module")
def site(run, tmp_path_factory):
    """site(handler): the address of the exported folder on a server of its own."""
    folder, servers = tmp_path_factory.mktemp("site") / "page", []
    translator = portrayal.load(run, device="cpu")
    export_browser(translator, run, folder, runtime=NPM / "onnxruntime-web")

    def serve(handler=Quiet):
        made = functools.partial(handler, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), made)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def visit(quiet_page):
    """visit(url, query, ...): a page that is ready; no error, no request elsewhere may happen."""

    def open_page(url, query="", **options):
        options = {"viewport": {"width": 1200, "height": 860}} | options
        ours = (url, f"blob:{url}", "data:")
        page = quiet_page(url + query, ours=ours, patience=PATIENCE, **options)
        page.wait_for_selector("body[data-ready]")
        return page

    return open_page


@pytest.fixture(scope="module")
def wanted(run):
    return portrayal.load(run, device="cpu").translate


@pytest.fixture
def runtime(tmp_path):
    """A folder that looks like onnxruntime-web."""
    folder = tmp_path / "node_modules" / "onnxruntime-web"
    for name in ONNXRUNTIME_WEB.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps({"version": ONNXRUNTIME_WEB.version}))
    return tmp_path / "node_modules"
