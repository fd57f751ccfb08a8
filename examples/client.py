"""Translate a picture over HTTP, with nothing but Python. First: portrayal serve runs/faces

python examples/client.py photo.jpg translated.png http://127.0.0.1:8000
"""

# %% Which models are there?
import json
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

photo, out, *server = sys.argv[1:]
root = (server or ["http://127.0.0.1:8000"])[0].rstrip("/")
models = json.load(urlopen(f"{root}/api/models"))
print("models:", ", ".join(model["name"] for model in models))


# %% A refusal is one line. 429 and 503 say when to come back.
def post(path, content):
    """The answer to a picture; waits where the server says so."""
    request = Request(root + path, content, {"Content-Type": "application/octet-stream"})
    while True:
        try:
            return urlopen(request)
        except HTTPError as error:
            if error.code not in (429, 503):
                sys.exit(json.load(error)["error"])
            time.sleep(int(error.headers.get("Retry-After", 1)))


# %% A quick model: picture in, picture out. Options: reverse=1, show_input=1, format=jpeg.
model = models[0]
query = urlencode({"model": model["name"], "format": "png"})
content = Path(photo).read_bytes()
if not model["slow"]:
    answer = post(f"/api/translate?{query}", content)
    print(f"{answer.headers['X-Portrayal-Seconds']} s by {answer.headers['X-Portrayal-Model']}")

# %% A model that searches takes its time: start a job, look at it, fetch the picture.
else:
    job = json.load(post(f"/api/jobs?{query}", content))["job"]
    state = {"state": "queued"}
    while state["state"] in ("queued", "working"):
        time.sleep(0.5)
        state = json.load(urlopen(f"{root}/api/jobs/{job}"))
        print(state)
    if state["state"] != "done":
        sys.exit(state["error"])
    answer = urlopen(f"{root}/api/jobs/{job}/picture")

Path(out).write_bytes(answer.read())
print("wrote", out)
