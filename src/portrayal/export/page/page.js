// The page: takes a picture, hands its pixels to worker.js, shows and saves the answer.
import { board } from "./board.js";
import { camera, opened, pixels, save, show, working } from "./pictures.js";
import { marked, sha256 } from "./png.js";

const $ = (id) => document.getElementById(id);
const facts = JSON.parse($("facts").textContent);
const backend = new URLSearchParams(location.search).get("backend") ?? ""; // wasm or webgpu: for tests
const MB = (bytes) => (bytes / 1e6).toFixed(1);

let worker = null, ready = "", running = null, next = null, shown = null, given = null, count = 0;

function start() {
  worker?.terminate();
  ready = "";
  // from a blob, so that this page's content security policy is the worker's too
  const code = `import ${JSON.stringify(new URL("./worker.js", import.meta.url).href)};`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  worker = new Worker(url, { type: "module" });
  worker.onmessage = ({ data }) => heard[data.kind](data);
  worker.onerror = (event) => problem(`The translator did not start: ${event.message ?? "is the folder complete?"}`);
  worker.postMessage({ kind: "open", facts, backend });
  tell("Loading the model", 0);
}

const heard = {
  loading: ({ done, of }) => tell(done < of ? `Loading the model, ${MB(done)} of ${MB(of)} MB` : "Starting the model", done / of),
  ready: ({ backend: name }) => {
    ready = name;
    document.body.dataset.ready = name;
    tell(`Ready. Computes with ${name}.`);
    send();
  },
  changed: ({ backend: name }) => {
    ready = name;
    document.body.dataset.ready = name;
    tell(`Translating. Computes with ${name}.`);
  },
  progress: ({ done, of }) => tell(`Translating, tile ${done} of ${of}`, done / of),
  done: (data) => {
    const job = running;
    running = null;
    shown = { ...job, made: new Uint8ClampedArray(data.pixels), ms: data.ms };
    present();
    send();
  },
  failed: ({ id, text, memory }) => {
    running = null;
    if (id === undefined) return problem(`The model did not start: ${text}`);
    tell(`Ready. Computes with ${ready}.`);
    problem(memory ? `Not translated; perhaps there is too little memory, so choose a smaller size. (${text})` : `Not translated: ${text}`);
    return send();
  },
};

function tell(text, part = null) {
  $("status").textContent = text;
  $("progress").hidden = part === null;
  $("progress").value = part ?? 0;
  $("stop").hidden = !running;
}

function problem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

// A picture with its name and the hash of its file; the newest waits, older ones are forgotten.
function give(picture, name, source = null, board = false) {
  problem("");
  given = { picture, name, source, board };
  const { size: [width, height], why } = working([picture.width, picture.height], board ? "training" : $("size").value, facts);
  next = { id: ++count, name, source, width, height, why: board ? "" : why, data: null, picture, own: [picture.width, picture.height] };
  send();
}

function send() {
  if (!ready && next) $("empty").textContent = `${next.name} is here; it is translated as soon as the model has started.`;
  if (!ready || running || !next) return;
  [running, next] = [next, null];
  try {
    running.data = pixels(running.picture, [running.width, running.height]);
  } catch {
    running = null;
    return problem("This browser cannot hold a picture of that size: choose a smaller size.");
  }
  const copy = running.data.slice().buffer;
  tell("Translating", null);
  $("stop").hidden = false;
  return worker.postMessage({ id: running.id, pixels: copy, width: running.width, height: running.height }, [copy]);
}

function present() {
  const { width, height, data, made, ms, own, why } = shown;
  show($("before"), data, width, height);
  show($("after"), made, width, height);
  $("empty").hidden = true;
  $("compare").hidden = $("deeds").hidden = false;
  const time = ms < 9950 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
  const shrunk = why ? `; made ${width < own[0] ? "smaller" : "larger"} from ${own[0]} × ${own[1]}: ${why}` : "";
  $("numbers").textContent = `${width} × ${height} pixels, ${time}, ${ready}${shrunk}`;
  document.body.dataset.shown = shown.id;
  tell(`Translated in ${time}.`);
}

async function take(blob) {
  try {
    const [picture, source] = [await opened(blob), await sha256(await blob.arrayBuffer())];
    give(picture, blob.name ?? "picture.png", source);
  } catch (error) {
    problem(error.message);
  }
}

async function download() {
  const { made, width, height, name, source } = shown;
  const canvas = document.createElement("canvas");
  show(canvas, made, width, height);
  const png = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const known = ([keyword, text]) => [keyword, text.replace(facts.unknownSource, source ?? "unknown")];
  const texts = Object.fromEntries(Object.entries(facts.marks).map(known));
  save(marked(new Uint8Array(await png.arrayBuffer()), texts), `${name.replace(/\.[^.]*$/, "")}_translated.png`);
}

function giveDrawing() {
  const [height, width] = facts.training ?? [256, 256];
  const small = pixels($("drawing"), [width, height]);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(new ImageData(small, width, height), 0, 0);
  give(canvas, "drawing.png", null, Boolean(facts.training));
}

$("choose").onclick = () => $("file").click();
$("file").onchange = () => { if ($("file").files[0]) take($("file").files[0]); $("file").value = ""; };
$("size").onchange = () => given && !given.board && give(given.picture, given.name, given.source);
$("again").onclick = () => given && give(given.picture, given.name, given.source, given.board);
$("save").onclick = () => download().catch((error) => problem(`Not saved: ${error.message}`));
$("stop").onclick = () => { running = next = null; start(); };
$("slider").oninput = () => $("compare").style.setProperty("--cut", `${$("slider").value}%`);
$("draw").onclick = () => {
  const open = $("board").hidden;
  $("board").hidden = !open;
  $("drop").hidden = open;
  $("draw").setAttribute("aria-expanded", String(open));
};
$("keep").onclick = () => $("drawing").toBlob((png) => save(png, "drawing.png"), "image/png");
board($("drawing"), Object.fromEntries(["pen", "eraser", "colour", "width", "undo", "clear"].map((id) => [id, $(id)])),
  facts.training ?? [256, 256], giveDrawing);
camera($("camera"), { open: $("camera-open"), turn: $("turn"), close: $("camera-close"), shoot: $("shoot") },
  $("video"), (picture) => give(picture, "photograph.png"), problem);

document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
  if (file) take(file);
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
}
start();
