// Curves as SVG, drawn here: a few lines over steps, with a reading where the pointer is.
import { element, number, short, svg } from "./app_dom.js";

const [WIDTH, HEIGHT] = [360, 190];
const EDGE = { left: 46, right: 10, top: 10, bottom: 26 };
const MOST = 240; // points of a line

// Each is {name, points: [[step, value]]}; values that are not finite are left out.
export function chart(title, lines) {
  const kept = lines.map(({ name, points }) => ({ name, points: thinned(points.filter(([, value]) => Number.isFinite(value))) })).filter(({ points }) => points.length);
  const every = kept.flatMap(({ points }) => points);
  const steps = range(every.map(([step]) => step));
  const values = padded(range(every.map(([, value]) => value)));
  const x = (step) => EDGE.left + ((step - steps[0]) / (steps[1] - steps[0] || 1)) * (WIDTH - EDGE.left - EDGE.right);
  const y = (value) => HEIGHT - EDGE.bottom - ((value - values[0]) / (values[1] - values[0] || 1)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words(title, kept) },
    ...axes(steps, values, x, y),
    ...kept.map(({ points }, index) => svg("path", { class: `curve c${index % 6}`, d: path(points, x, y) })),
    svg("line", { class: "cross", y1: EDGE.top, y2: HEIGHT - EDGE.bottom }));
  const outputs = kept.map(({ points }) => element("span", { class: "value" }, short(points.at(-1)[1])));
  const legend = element("p", { class: "legend small" }, ...kept.map(({ name }, index) =>
    element("span", { class: "key" }, element("span", { class: `swatch c${index % 6}`, "aria-hidden": "true" }), `${name} `, outputs[index])));
  const at = element("span", { class: "soft small at" }, "");
  reading(drawing, { kept, outputs, at, steps, x });
  return element("figure", { class: "chart" }, element("figcaption", {}, title, " ", at), drawing, legend);
}

function reading(drawing, { kept, outputs, at, steps, x }) {
  const cross = drawing.querySelector(".cross");
  function tell(step) {
    kept.forEach(({ points }, index) => { outputs[index].textContent = short(step === null ? points.at(-1)[1] : nearest(points, step)[1]); });
    drawing.classList.toggle("read", step !== null);
    at.textContent = step === null ? "" : `at step ${number(step)}`;
    if (step !== null) for (const end of ["x1", "x2"]) cross.setAttribute(end, x(step));
  }
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const share = (((event.clientX - box.left) / box.width) * WIDTH - EDGE.left) / (WIDTH - EDGE.left - EDGE.right);
    const longest = kept.reduce((best, each) => (each.points.length > best.length ? each.points : best), []);
    if (longest.length) tell(nearest(longest, steps[0] + Math.min(1, Math.max(0, share)) * (steps[1] - steps[0]))[0]);
  });
  drawing.addEventListener("pointerleave", () => tell(null));
}

export const nearest = (points, step) => points.reduce((best, point) => (Math.abs(point[0] - step) < Math.abs(best[0] - step) ? point : best));

const range = (values) => [Math.min(...values), Math.max(...values)];

function padded([low, high]) {
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low >= 0 && low < 0.5 * high ? 0 : low - room, high + room];
}

function thinned(points) { // the mean of neighbours; the last point stays
  if (points.length <= MOST) return points;
  const size = Math.ceil(points.length / MOST);
  const made = [];
  for (let from = 0; from < points.length; from += size) {
    const group = points.slice(from, from + size);
    made.push([group.at(-1)[0], group.reduce((sum, [, value]) => sum + value, 0) / group.length]);
  }
  return made;
}

export function ticks([low, high], wanted = 4) {
  const raw = (high - low) / wanted;
  if (!(raw > 0)) return [low];
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * unit).find((each) => each >= raw);
  const made = [];
  for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + 1e-9 * step; value += step) made.push(Number(value.toPrecision(10)));
  return made;
}

function axes(steps, values, x, y) {
  const across = ticks(values).flatMap((value) => [
    svg("line", { class: "grid", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(value), y2: y(value) }),
    svg("text", { x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, short(value))]);
  const along = ticks(steps, 4).map((step) => svg("text", { x: x(step), y: HEIGHT - 8, "text-anchor": x(step) > WIDTH - 40 ? "end" : x(step) < EDGE.left + 12 ? "start" : "middle" }, number(step)));
  return [...across, ...along];
}

const path = (points, x, y) => points.length === 1
  ? `M${x(points[0][0]) - 2},${y(points[0][1])}h4`
  : points.map(([step, value], index) => `${index ? "L" : "M"}${x(step).toFixed(1)},${y(value).toFixed(1)}`).join("");

const words = (title, lines) => `${title}: ${lines.map(({ name, points }) => `${name} from ${short(points[0][1])} to ${short(points.at(-1)[1])}`).join("; ")}`;

// A line without axes, for a card
export function spark(points) {
  const kept = thinned(points.filter(([, value]) => Number.isFinite(value)));
  if (kept.length < 2) return null;
  const [steps, values] = [range(kept.map(([step]) => step)), range(kept.map(([, value]) => value))];
  const x = (step) => 2 + (116 * (step - steps[0])) / (steps[1] - steps[0] || 1);
  const y = (value) => 30 - (26 * (value - values[0])) / (values[1] - values[0] || 1);
  return svg("svg", { class: "spark", viewBox: "0 0 120 34", "aria-hidden": "true", preserveAspectRatio: "none" }, svg("path", { class: "curve c0", d: path(kept, x, y) }));
}
