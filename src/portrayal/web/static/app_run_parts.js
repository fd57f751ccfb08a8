// What the gallery and the page of a run share: facts and scores in words, and looking again.
import { element, number, root, short } from "./app_dom.js";

const TITLES = { l1: "L1", l2: "L2", psnr: "PSNR", ssim: "SSIM", ms_ssim: "MS-SSIM", fid: "FID", kid: "KID", mmd: "MMD", lpips: "LPIPS" };

export const title = (metric) => TITLES[metric] ?? metric.replaceAll("_", " ");

export const shown = (address) => new URL(address.replace(/^\//, ""), root).href;

export function states(run) {
  const kind = [run.recipe, run.preset].filter(Boolean).join(", ");
  const [step, steps] = [run.step ?? 0, run.steps ?? 0];
  const where = steps && step < steps ? `step ${number(step)} of ${number(steps)}` : `step ${number(step)}`;
  if (run.imported) return [kind];
  return [`${kind} · ${where}`, run.running ? element("span", { class: "live" }, " · training now") : null];
}

// {metric: [[step, value]]} of the validation scores
export function validation(run) {
  const made = {};
  for (const { step, scores } of (run.scores ?? []).filter((each) => each.scores))
    for (const [metric, value] of Object.entries(scores)) if (typeof value === "number") (made[metric] ??= []).push([step, value]);
  return made;
}

// The best validation scores, as a list of figures
export function headline(run) {
  const entries = Object.entries(run.best ?? {}).slice(0, 4);
  if (!entries.length) return null;
  return element("div", {}, element("p", { class: "small soft" }, "Best on validation pictures"),
    element("dl", { class: "figures" }, ...entries.map(([metric, { value }]) =>
      element("div", {}, element("dt", {}, title(metric)), element("dd", {}, short(value))))));
}

const ANSWERS = { translation: "Translation", input: "Input itself", real: "Real pictures", difference: "Difference" };

// One question of an evaluation as a table: a metric a row, values with their intervals
export function evaluated({ title: question, lead, rows }) {
  const answers = Object.keys(ANSWERS).filter((each) => rows.some(({ texts }) => texts[each]));
  const cell = (text = "–") => {
    const [value, ...rest] = text.split(" ");
    return element("td", {}, element("strong", {}, value), rest.length ? element("span", { class: "small soft" }, ` ${rest.join(" ")}`) : null);
  };
  const line = ({ title: name, better, texts, n }) => element("tr", {},
    element("th", { scope: "row" }, name, element("span", { class: "soft small" }, `, ${better} is better`)), ...answers.map((each) => cell(texts[each])), element("td", {}, n));
  const head = [question, ...answers.map((each) => ANSWERS[each]), "n"].map((each) => element("th", { scope: "col" }, each));
  return element("div", { class: "scroll evaluated", tabindex: "0", role: "group", "aria-label": `${question}: ${lead}` },
    element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows.map(line))));
}

// Looks again every so often while `look` says that more will come and the page is seen
export function every(ms, look, failed) {
  let timer = 0;
  async function again() {
    clearTimeout(timer);
    let more = true;
    try { more = await look(); } catch (error) { failed(error); }
    timer = setTimeout(again, more ? ms : 5 * ms, more);
  }
  document.addEventListener("visibilitychange", () => { if (document.hidden) clearTimeout(timer); else again(); });
  return again();
}
