// The gallery of runs. While one of them trains it is looked at again every few seconds.
import { json } from "./app_api.js";
import { spark } from "./app_curves.js";
import { element, find, root } from "./app_dom.js";
import { every, headline, shown, states, title, validation } from "./app_run_parts.js";

const OFTEN = 4000; // ms
const cards = new Map();

async function look() {
  const runs = await json("api/runs");
  find("runs-error").textContent = runs.length ? "" : "No runs yet. Train one: portrayal train pix2pix DATA --out RUN";
  for (const run of runs) {
    const made = card(run);
    const key = made.dataset.key;
    const old = cards.get(run.name);
    if (old?.dataset.key === key) continue; // what has not changed keeps the focus
    const focused = old?.contains(document.activeElement);
    if (old) old.replaceWith(made); else find("runs").append(made);
    if (focused) made.querySelector("a").focus();
    cards.set(run.name, made);
  }
  find("runs").setAttribute("aria-busy", "false");
  return runs.some((run) => run.running);
}

function card(run) {
  const line = element("div", { class: "room" });
  json(`api/runs/${encodeURIComponent(run.name)}`).then((all) => {
    const [name, points] = curve(all);
    const drawn = spark(points);
    if (drawn) line.replaceChildren(element("p", { class: "small soft" }, name), drawn);
  }, () => {});
  const body = [
    run.sample ? element("img", { class: "look", src: shown(run.sample), alt: `Latest sample of ${run.name}`, loading: "lazy" })
      : element("div", { class: "look" }, run.imported ? element("p", { class: "small soft" }, "Imported: no samples") : null),
    element("h2", {}, element("a", { href: new URL(`runs/${encodeURIComponent(run.name)}`, root).href }, run.name)),
    element("p", { class: "small soft" }, ...states(run)),
    run.running && run.steps ? element("progress", { max: run.steps, value: run.step ?? 0, "aria-label": `Training of ${run.name}` }) : null,
    line, headline(run),
    run.report ? element("a", { class: "more small", href: new URL(`runs/${encodeURIComponent(run.name)}/report`, root).href }, "Report") : null,
  ];
  return element("li", { class: "card", "data-key": JSON.stringify(run) }, ...body);
}

function curve(run) {
  const scores = validation(run);
  const name = ["ssim", "l1"].find((each) => scores[each]) ?? Object.keys(scores)[0];
  if (scores[name]?.length > 1) return [`${title(name)} on validation pictures, over time`, scores[name]];
  return ["Loss in training, over time", (run.log ?? []).map((point) => [point.step, point.l1 ?? point.loss_D_fake ?? NaN])];
}

every(OFTEN, look, (error) => {
  find("runs").setAttribute("aria-busy", "false");
  find("runs-error").textContent = error.message;
});
