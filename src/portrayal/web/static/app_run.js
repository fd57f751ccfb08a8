// One run: its samples through time, scores and curves; live while it trains.
import { json } from "./app_api.js";
import { chart } from "./app_curves.js";
import { element, find, number, root, short } from "./app_dom.js";
import { evaluated, every, shown, states, title, validation } from "./app_run_parts.js";

const OFTEN = 3000; // ms
const PLAY = 350; // ms a sample is shown
const name = find("run").dataset.run;
const path = `runs/${encodeURIComponent(name)}`;
const state = { samples: [], playing: 0, key: "" };
const LOSSES = { "Discriminator: loss": ["loss_D_real", "loss_D_fake"], "Discriminator: P(real)": ["p_real", "p_fake"] };
const ABOUT = new Set(["step", "steps", "epoch", "seconds", "rate", ...Object.values(LOSSES).flat()]);

async function look() {
  const run = await json(`api/${path}`);
  find("run-error").textContent = "";
  const key = JSON.stringify([run.step, run.running, run.log?.length, run.scores?.length, run.samples?.length, run.report, run.results]);
  if (key !== state.key) show(run);
  state.key = key;
  return run.running;
}

function show(run) {
  const link = run.report ? element("a", { href: new URL(`${path}/report`, root).href }, "Report") : null;
  const use = run.translates ? element("a", { href: new URL(`?model=${encodeURIComponent(name)}`, root).href }, "Translate with it") : null;
  find("facts").replaceChildren(...states(run).filter(Boolean), ...[link, use].filter(Boolean).flatMap((each) => [" · ", each]));
  find("note").textContent = run.imported ?? run.train_like ?? "";
  find("meter").hidden = !run.running;
  find("progress").value = run.steps ? (run.step ?? 0) / run.steps : 0;
  find("progress-note").textContent = run.steps ? `${number(run.step ?? 0)} of ${number(run.steps)} steps` : "";
  samples(run.samples ?? []);
  scores(run);
  results(run.results);
  curves(run);
}

function samples(every) {
  const atEnd = Number(find("when").value) === Math.max(0, state.samples.length - 1);
  state.samples = every;
  find("samples-part").hidden = !every.length;
  find("when").max = Math.max(0, every.length - 1);
  if (atEnd) find("when").value = every.length - 1; // follows a training
  if (every.length) sample();
}

function sample() {
  const { step, url } = state.samples[find("when").valueAsNumber];
  const words = `step ${number(step)}`;
  find("when-step").textContent = words;
  find("when").setAttribute("aria-valuetext", words);
  find("sample").src = shown(url);
  find("sample").alt = `Samples at ${words}: source, generated, truth`;
}

function play() {
  clearInterval(state.playing);
  const going = find("play").textContent === "Play";
  find("play").textContent = going ? "Stop" : "Play";
  if (!going) return;
  const when = find("when");
  if (when.value === when.max) when.value = 0;
  sample();
  state.playing = setInterval(() => {
    if (when.value === when.max) return play();
    when.value = when.valueAsNumber + 1;
    sample();
  }, PLAY);
}

function scores(run) {
  const latest = run.scores?.at(-1);
  find("scores-part").hidden = !latest;
  if (!latest) return;
  const rows = Object.entries(latest.scores).map(([metric, value]) => {
    const best = run.best?.[metric];
    return element("tr", {}, element("th", { scope: "row" }, title(metric)), element("td", {}, short(value)),
      element("td", {}, best ? `${short(best.value)} at step ${number(best.step)}` : "–"));
  });
  const head = ["Metric", `Step ${number(latest.step)}`, "Best"].map((each) => element("th", { scope: "col" }, each));
  find("scores").replaceChildren(element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Table of validation scores" },
    element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows))));
}

function results(found) {
  find("results-part").hidden = !found?.tables.length;
  if (!found) return;
  find("verdict").replaceChildren(found.verdict, element("span", { class: "soft" }, ` ${number(found.n)} ${found.split} pictures, 95 % intervals.`));
  find("results").replaceChildren(...found.tables.map(evaluated), ...found.warnings.map((each) => element("p", { class: "small soft" }, each)));
}

function curves(run) {
  const log = run.log ?? [];
  const series = (key) => ({ name: title(key), points: log.map((point) => [point.step, point[key]]) });
  const terms = [...new Set(log.flatMap(Object.keys))].filter((key) => !ABOUT.has(key) && log.some((point) => typeof point[key] === "number"));
  const made = [
    ...Object.entries(validation(run)).map(([metric, points]) => [`Validation: ${title(metric)}`, [{ name: title(metric), points }]]),
    ...terms.map((key) => [`Training: ${title(key)}`, [series(key)]]),
    ...Object.entries(LOSSES).map(([words, keys]) => [words, keys.map((key) => ({ ...series(key), name: key.endsWith("real") ? "on real" : "on generated" }))]),
    ["Learning rate", [series("rate")]],
  ].filter(([, lines]) => lines.some(({ points }) => points.some(([, value]) => Number.isFinite(value))));
  find("curves-part").hidden = !made.length;
  find("curves").replaceChildren(...made.map(([words, lines]) => chart(words, lines)));
}

find("when").addEventListener("input", sample);
find("play").addEventListener("click", play);
every(OFTEN, look, (error) => { find("run-error").textContent = error.message; });
