// Two pictures on top of each other with a border that moves: by pointer, finger and keys.
const STEPS = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -10, PageUp: 10 };

function made(tag, name) {
  const each = document.createElement(tag);
  each.className = name;
  return each;
}

// compare(label) -> {node, show(before, after), part(percent)}: addresses of pictures of one shape
export function compare(label) {
  const node = made("div", "compare");
  const [after, before] = [made("img", "after"), made("img", "before")];
  const handle = made("div", "handle");
  after.alt = "Translation, generated";
  before.alt = "Input";
  after.draggable = before.draggable = false;
  for (const [name, value] of Object.entries({
    role: "slider", tabindex: "0", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100,
    "aria-orientation": "horizontal",
  })) handle.setAttribute(name, value);
  node.append(after, before, handle);
  let at = 50;

  function part(percent) {
    at = Math.min(100, Math.max(0, percent));
    node.style.setProperty("--at", `${at}%`);
    handle.setAttribute("aria-valuenow", Math.round(at));
    handle.setAttribute("aria-valuetext", `${Math.round(at)} % input, ${Math.round(100 - at)} % translation`);
  }

  function follow(event) {
    const box = node.getBoundingClientRect();
    part((100 * (event.clientX - box.left)) / box.width);
  }
  node.addEventListener("pointerdown", (event) => {
    if (event.button || !node.classList.contains("ready")) return;
    node.setPointerCapture(event.pointerId);
    follow(event);
    handle.focus({ preventScroll: true });
    event.preventDefault();
  });
  node.addEventListener("pointermove", (event) => { if (node.hasPointerCapture(event.pointerId)) follow(event); });
  handle.addEventListener("keydown", (event) => {
    const to = event.key === "Home" ? 0 : event.key === "End" ? 100 : event.key in STEPS ? at + STEPS[event.key] : null;
    if (to === null) return;
    part(to);
    event.preventDefault();
  });
  part(50);

  after.addEventListener("load", () => node.style.setProperty("--ratio", after.naturalWidth / after.naturalHeight));

  function show(first, second) {
    before.hidden = handle.hidden = !(first && second);
    if (first) before.src = first;
    after.hidden = !(second ?? first);
    if (second ?? first) after.src = second ?? first;
    after.alt = second ? "Translation, generated" : "Input";
    node.classList.toggle("ready", Boolean(first && second));
  }
  show(null, null);
  return { node, show, part };
}
