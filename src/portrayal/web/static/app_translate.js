// The page that translates: a picture from anywhere, models side by side.
import { json } from "./app_api.js";
import { several } from "./app_batch.js";
import { element, find, say } from "./app_dom.js";
import { drawing } from "./app_draw.js";
import { fit, forget, pictures, read } from "./app_picture.js";
import { about, result } from "./app_result.js";
import { tabs } from "./app_tabs.js";
import { camera } from "./camera.js";

const LIMITS = { megabytes: 10, megapixels: 24, workers: 1 }; // until the server says its own
const SQUARE = [512, 512]; // a drawing for models that know no size
const state = { models: [], limits: LIMITS, picture: null, drawn: false, shown: new Map() };

const options = () => ({ reverse: find("reverse").checked, format: find("format").value, size: find("size").value, drawing: find(state.drawn ? "clean-draw" : "clean-picture").checked, workers: state.limits.workers });
const chosen = () => state.models.filter((model) => find(`model-${state.models.indexOf(model)}`).checked);

async function begin() {
  try {
    [state.models, state.limits] = await Promise.all([json("api/models"), json("api/limits").then((said) => ({ ...LIMITS, ...said }), () => LIMITS)]);
  } catch (error) {
    find("models-note").textContent = error.message;
    find("models-note").classList.add("bad");
    return;
  }
  find("models").querySelectorAll(":not(legend)").forEach((each) => each.remove());
  find("models").append(...state.models.map(choice));
  if (!state.models.length) find("models").append(element("p", { class: "small soft" }, "No model is loaded yet; the runs in training are under Runs."));
  const { megabytes: bytes, megapixels: pixels, per_minute: often } = state.limits;
  find("limits").textContent = `At most ${bytes} MB and ${pixels} megapixels each${often ? `, ${often} in a minute` : ""}; larger ones are made smaller here first.`;
  if (chosen()[0]?.draws) ways.choose("tab-draw");
  choices();
}

function choice(model, index) {
  const asked = new URLSearchParams(location.search).get("model");
  const first = state.models.some(({ name }) => name === asked) ? model.name === asked : index === 0;
  const box = element("input", { type: "checkbox", id: `model-${index}`, checked: first, onchange: choices });
  return element("label", { class: "model" }, box, element("span", {}, element("strong", {}, model.name), element("span", { class: "soft small" }, about(model))));
}

function choices() { // which models are wanted may have changed
  const wanted = chosen();
  find("reverse-line").hidden = !wanted.some((model) => model.directions.includes("reverse"));
  for (const id of ["clean-picture-line", "clean-draw-line"]) find(id).hidden = !wanted.some((model) => model.draws);
  if (wanted.length) board.shape(wanted[0].size ?? SQUARE);
  for (const [name, shown] of state.shown)
    if (!wanted.some((model) => model.name === name)) { shown.leave(); state.shown.delete(name); }
  arrange(wanted);
  if (state.drawn || state.picture) for (const model of wanted) if (!state.shown.has(model.name)) give(model);
}

function arrange(wanted) {
  find("results").dataset.count = wanted.length;
  const given = state.drawn || state.picture;
  find("empty").hidden = Boolean(given && wanted.length);
  find("empty").textContent = given ? "Choose a model." : "The translation appears here.";
}

async function sent(model) {
  if (state.drawn) {
    const [height, width] = model.size ?? SQUARE;
    return { name: "drawing", blob: await board.picture([height, width]), width, height, note: "", drawn: true };
  }
  return fit(state.picture, state.limits, options().size === "auto" ? model.size : null);
}

async function give(model) {
  if (!state.shown.has(model.name)) {
    const made = result(model, options);
    state.shown.set(model.name, made);
    const order = chosen().map((each) => state.shown.get(each.name)?.node).filter(Boolean);
    find("results").append(...order);
  }
  const ready = await sent(model);
  await state.shown.get(model.name)?.give(ready);
}

function all() {
  const wanted = chosen();
  arrange(wanted);
  if (!wanted.length) say("Choose a model.");
  return Promise.all(wanted.map(give));
}

async function take(file) { // a picture, from wherever it comes
  ways.choose("tab-picture");
  find("picture-note").textContent = "Reading …";
  forget(state.picture);
  Object.assign(state, { picture: await read(file), drawn: false });
  const { url, width, height, name } = state.picture;
  find("preview").hidden = !url || width === null;
  if (url) find("preview").src = url;
  find("drop").classList.toggle("full", width !== null);
  find("file-label").textContent = "Another picture";
  find("picture-note").textContent = width === null
    ? `${name}: this browser cannot show it; it is sent as it is.` : `${name}, ${width} × ${height} pixels`;
  await all();
}

function drawn(live) {
  state.drawn = true;
  const wanted = chosen();
  if (live && wanted.some((model) => model.slow)) return; // those are started by hand
  all();
}

function receive(transfer) {
  const files = pictures(transfer);
  if (files.length > 1 || (files.length && ways.chosen === "tab-several")) {
    ways.choose("tab-several");
    batch.take(files);
  } else if (files.length) take(files[0]);
  return files.length > 0;
}

function byDrop() {
  let depth = 0;
  const over = (change) => { depth = Math.max(0, depth + change); document.body.classList.toggle("dropping", depth > 0); };
  addEventListener("dragenter", (event) => { if (event.dataTransfer?.types.includes("Files")) over(1); });
  addEventListener("dragleave", () => over(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    over(0);
    if (!receive(event.dataTransfer)) find("picture-note").textContent = "That is no picture file. Choose a PNG, JPEG or WebP.";
  });
  addEventListener("paste", (event) => { if (receive(event.clipboardData)) event.preventDefault(); });
}

const lens = camera(take);
const board = drawing(drawn);
const ways = tabs(find("ways"), (id) => { if (id !== "tab-camera") lens.close(); });
const batch = several({ limits: () => state.limits, models: chosen, options });
find("file").addEventListener("change", () => { if (find("file").files.length) take(find("file").files[0]); find("file").value = ""; });
for (const id of ["size", "format", "reverse", "clean-picture", "clean-draw"]) find(id).addEventListener("change", () => { if (state.picture || state.drawn) all(); });
byDrop();
begin();
