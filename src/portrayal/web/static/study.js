"use strict";
// One voter's session. The server knows all: a reload goes on at the first trial it has no answer to.
const find = (id) => document.getElementById(id);
const here = location.pathname.replace(/\/$/, "");
const KEYS = "1234567890abcdefghijklmnopqrstuvwxyz";
const AHEAD = 3; // trials whose pictures are loaded before they are needed
const CALM = 250; // ms in which a trial takes no answer, so that one key press answers one
const state = { plan: null, index: 0, open: false, first: true, since: 0, waiting: [], sending: false, timer: 0 };
const loaded = new Map();
const visit = crypto.getRandomValues(new Uint32Array(3)).join("-"); // tells this page from a reload of it

const address = (name) => `../pictures/${name}.png`;
const post = (path, body) => fetch(`${here}/${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

function picture(name) {
  if (!loaded.has(name)) {
    const image = new Image();
    image.src = address(name);
    image.draggable = false;
    loaded.set(name, image.decode().then(() => image, () => { loaded.delete(name); throw new Error(name); }));
  }
  return loaded.get(name);
}

const picturesOf = (trial) => [...trial.pictures, trial.input, trial.reference].filter(Boolean);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

async function begin() {
  find("link").value = location.href;
  const answer = await patiently(() => fetch(`${here}/trials`));
  if (!answer.ok) return finish("This link is not known", (await answer.json()).detail, false);
  Object.assign(state, { plan: await answer.json(), index: 0 });
  await next();
}

async function patiently(ask) {
  for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
    try {
      const answer = await ask();
      if (answer.status < 500) { find("saving").textContent = ""; return answer; }
    } catch { /* the network or the server is away */ }
    find("saving").textContent = "No connection, trying again …";
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

async function next() {
  const trials = state.plan.trials;
  while (state.index < trials.length && trials[state.index].done) state.index += 1;
  const trial = trials[state.index];
  Object.assign(find("progress"), { max: trials.length, value: state.index });
  if (!trial) return saved();
  state.open = false;
  find("trial").setAttribute("aria-busy", "true");
  const images = await patientPictures(trial);
  const first = !state.plan?.seconds || await counted(trial);
  if (state.plan && find("end").hidden) show(trial, images, first); // or their answers were deleted meanwhile
  for (const later of trials.slice(state.index + 1, state.index + 1 + AHEAD))
    for (const name of picturesOf(later)) picture(name).catch(() => {});
  for (const name of picturesOf(trials[state.index - 1] ?? { pictures: [] }))
    if (!picturesOf(trial).includes(name)) loaded.delete(name);
}

async function counted(trial) { // whether its time begins now: the server remembers, so a reload gives no second look
  const answer = await patiently(() => post("shown", { trial: trial.id, visit }));
  return !answer.ok || (await answer.json()).first;
}

async function patientPictures(trial) {
  for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
    try {
      const found = new Map();
      for (const name of picturesOf(trial)) found.set(name, (await picture(name)).cloneNode());
      find("saving").textContent = "";
      return found;
    } catch {
      find("saving").textContent = "A picture does not load, trying again …";
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

function show(trial, images, first) {
  const { trials, answers, levels, seconds } = state.plan;
  const single = answers.length > 0;
  const where = find("where");
  where.textContent = `${state.index + 1} of ${trials.length} `;
  if (trial.practice) where.append(element("span", { class: "practice" }, "Practice, does not count"));
  const beside = [["Input", trial.input], ["Reference", trial.reference]].filter(([, name]) => name);
  find("beside").replaceChildren(...beside.map(([text, name]) => {
    images.get(name).alt = text;
    return element("figure", {}, element("figcaption", {}, text), images.get(name));
  }));
  find("beside").hidden = !beside.length;
  const options = trial.pictures.map((name, place) => option(images.get(name), place, name, single));
  find("options").replaceChildren(element("div", { class: "tiles" }, ...options));
  find("answers").replaceChildren(...answers.map((value, place) => answerButton(value, place, levels)));
  find("answers").hidden = !single;
  find("answers").classList.toggle("many", answers.length > 2);
  find("hint").replaceChildren(...first ? [] : ["Its time is over: it is not shown again. "], ...hint(trial, answers));
  const hide = () => options.forEach((each) => each.classList.add("gone"));
  if (!first) hide();
  layOut();
  find("trial").setAttribute("aria-busy", "false");
  find("said").textContent = `Question ${state.index + 1} of ${trials.length}`;
  if (!document.querySelector("dialog[open]")) find("options").focus({ preventScroll: true });
  clearTimeout(state.timer);
  requestAnimationFrame(() => { // the first frame in which it can be seen
    Object.assign(state, { since: performance.now(), open: true, first });
    if (seconds && first) state.timer = setTimeout(hide, 1000 * seconds);
  });
}

function option(image, place, name, single) {
  image.alt = single ? "The picture to judge" : `Picture ${place + 1}`;
  if (single) return element("div", { class: "option" }, image);
  const made = element("button", { type: "button", class: "option", "data-answer": name }, image);
  if (KEYS[place]) made.append(element("kbd", { "aria-hidden": "true" }, KEYS[place].toUpperCase()));
  made.addEventListener("click", () => choose(made));
  return made;
}

function answerButton(value, place, levels) {
  const words = { real: "Real", fake: "Generated" };
  const key = { real: "R", fake: "G" }[value] ?? KEYS[place].toUpperCase();
  const text = words[value] ?? levels[place];
  const made = element("button", { type: "button", class: "button", "data-answer": value }, element("kbd", { "aria-hidden": "true" }, key), text);
  made.addEventListener("click", () => choose(made));
  return made;
}

function hint(trial, answers) {
  const key = (text) => element("kbd", {}, text);
  if (answers[0] === "real") return [element("span", { class: "keys" }, "Keys: ", key("R"), " real, ", key("G"), " generated")];
  const last = KEYS[(answers.length || trial.pictures.length) - 1] ?? "z";
  const keys = element("span", { class: "keys" }, "Keys: ", key("1"), " to ", key(last.toUpperCase()), ", or click.");
  return answers.length ? [keys] : [keys, element("span", { class: "taps" }, matchMedia("(hover: none)").matches ? "Tap a picture to choose it." : "")];
}

const buttons = () => [...document.querySelectorAll("#trial [data-answer]")];

function choose(button) {
  const elapsed = performance.now() - state.since;
  if (!state.open || elapsed < CALM) return;
  state.open = false;
  clearTimeout(state.timer);
  const trial = state.plan.trials[state.index];
  trial.done = true;
  button.classList.add("chosen");
  state.waiting.push({ trial: trial.id, answer: button.dataset.answer, ms: state.first ? Math.round(elapsed) : null });
  send();
  setTimeout(next, 130);
}

async function send() {
  if (state.sending) return;
  state.sending = true;
  while (state.waiting.length) {
    const answer = await patiently(() => post("votes", state.waiting[0]));
    if (!answer.ok) {
      state.waiting = [];
      finish("Your answers cannot be saved", (await answer.json()).detail, false);
      break;
    }
    state.waiting.shift();
  }
  state.sending = false;
  if (state.plan && state.index >= state.plan.trials.length) saved();
}

function saved() {
  if (state.waiting.length) return; // `send` comes back here
  finish("Thank you", "All your answers are saved. You can close this page. Your link stays valid, in case you want to delete them later.", true);
}

function finish(title, text, mayDelete) {
  state.open = false;
  find("trial").hidden = true;
  find("where").textContent = "";
  find("leave-button").hidden = true;
  find("end").hidden = false;
  find("end-title").textContent = title;
  find("end-text").textContent = text;
  find("end-row").hidden = !mayDelete;
  find("end-title").focus();
}

async function forget() {
  find("sure").close();
  state.waiting = [];
  const answer = await patiently(() => fetch(`${here}/delete`, { method: "POST" }));
  const { deleted } = answer.ok ? await answer.json() : { deleted: 0 };
  state.plan = null;
  finish("Deleted", `${deleted} ${deleted === 1 ? "answer was" : "answers were"} removed for good. Thank you for your time.`, false);
}

function layOut() { // the largest tiles that fit; on small screens two columns that scroll, three pictures below each other
  const shown = [...document.querySelectorAll("#options .option")];
  const image = shown[0]?.querySelector("img");
  if (!image) return;
  const ratio = image.naturalHeight / image.naturalWidth || 1;
  const [small, gap] = innerWidth <= 560 ? [true, 8] : [false, 12];
  const width = find("options").clientWidth;
  find("trial").style.setProperty("--aside", `${Math.round(Math.min(innerHeight * 0.24 / ratio, width / 2.4, 260))}px`);
  const below = find("hint").offsetHeight + find("answers").offsetHeight + 60;
  const height = Math.max(200, innerHeight - find("options").getBoundingClientRect().top - scrollY - below);
  const sizes = shown.map((_, index) => {
    const columns = index + 1;
    const rows = Math.ceil(shown.length / columns);
    return Math.min((width - gap * index) / columns, (height - gap * (rows - 1)) / rows / ratio);
  });
  let columns = sizes.indexOf(Math.max(...sizes)) + 1;
  let tile = sizes[columns - 1];
  if (small && shown.length > 1) { columns = 2; tile = (width - gap) / 2; }
  if (small && shown.length === 3) { columns = 1; tile = Math.max(tile, sizes[0]); } // two and one would set one apart
  tile = Math.min(tile, 640);
  find("options").style.setProperty("--row", `${Math.ceil(columns * Math.floor(tile) + gap * (columns - 1))}px`);
  find("options").style.setProperty("--tile", `${Math.floor(tile)}px`);
}

addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const [every, key] = [buttons(), event.key.toLowerCase()];
  if (key.startsWith("arrow") && every.length) {
    const step = key === "arrowright" || key === "arrowdown" ? 1 : -1;
    const from = every.indexOf(document.activeElement);
    const to = from < 0 ? (step > 0 ? 0 : every.length - 1) : (from + step + every.length) % every.length;
    every[to].focus();
    event.preventDefault();
    return;
  }
  const named = { r: "real", g: "fake" }[key];
  const wanted = every.find((each) => each.dataset.answer === named) ?? (KEYS.includes(key) && key.length === 1 ? every[KEYS.indexOf(key)] : null);
  if (wanted) choose(wanted);
});
addEventListener("resize", layOut);
addEventListener("beforeunload", (event) => { if (state.waiting.length) event.preventDefault(); });
find("leave-button").addEventListener("click", () => find("leave").showModal());
find("leave-back").addEventListener("click", () => find("leave").close());
find("leave-delete").addEventListener("click", () => { find("leave").close(); find("sure").showModal(); });
find("end-delete").addEventListener("click", () => find("sure").showModal());
find("sure-no").addEventListener("click", () => find("sure").close());
find("sure-yes").addEventListener("click", forget);
begin();
