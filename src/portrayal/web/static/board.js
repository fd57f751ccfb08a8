// A drawing board. Strokes are kept as points in 0..1 of the board, so that a drawing has any size.
export const INK = "#000000";
export const PAPER = "#ffffff";
const REFERENCE = 256; // a width of 1 is 1/256 of the board's shorter side

// board(canvas, {changed}) -> what the page may do with it
export function board(canvas, { changed = () => {} } = {}) {
  const state = { strokes: [], undone: [], current: null, tool: "pen", width: 6, cursor: { x: 0.5, y: 0.5 }, down: false, keys: false };

  function draw() {
    paint(canvas.getContext("2d"), canvas.width, canvas.height, state.current ? [...state.strokes, state.current] : state.strokes);
    if (state.keys) drawCursor(canvas, state);
  }

  function begin(point) {
    state.current = { erase: state.tool === "eraser", width: state.width, points: [point] };
    draw();
  }

  function end() {
    if (!state.current) return;
    state.strokes.push(state.current);
    state.current = null;
    state.undone = [];
    draw();
    changed();
  }

  function change(act) {
    if (state.current) end();
    act();
    draw();
    changed();
  }

  const api = {
    get empty() { return !state.strokes.slice(state.strokes.findLastIndex((each) => each.all) + 1).some((each) => !each.erase); },
    get canUndo() { return state.strokes.length > 0; },
    get canRedo() { return state.undone.length > 0; },
    get tool() { return state.tool; },
    get width() { return state.width; },
    use(tool) { state.tool = tool; draw(); },
    thick(width) { state.width = Math.min(40, Math.max(1, width)); draw(); },
    undo: () => change(() => { if (state.strokes.length) state.undone.push(state.strokes.pop()); }),
    redo: () => change(() => { if (state.undone.length) state.strokes.push(state.undone.pop()); }),
    clear: () => change(() => { // can be undone
      if (state.strokes.length) state.strokes.push({ erase: true, all: true, width: 0, points: [] });
      state.undone = [];
    }),
    shape(width, height) { canvas.width = width; canvas.height = height; draw(); },
    picture(width, height) { return picture(state.strokes, width, height); },
  };
  byPointer(canvas, state, { begin, end, draw });
  byKeys(canvas, state, { begin, end, draw, api });
  draw();
  return api;
}

function byPointer(canvas, state, { begin, end, draw }) {
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const force = event.pointerType === "pen" && event.pressure ? 0.35 + 1.3 * event.pressure : 1;
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height, force };
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0 || state.current || !event.isPrimary) return;
    canvas.setPointerCapture(event.pointerId);
    Object.assign(state, { keys: false, down: false });
    begin(place(event));
    event.preventDefault();
    canvas.focus({ preventScroll: true });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!state.current || !canvas.hasPointerCapture(event.pointerId)) return;
    const every = event.getCoalescedEvents?.() ?? [];
    state.current.points.push(...(every.length ? every : [event]).map(place));
    draw();
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, end);
}

function byKeys(canvas, state, { begin, end, draw, api }) {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      const act = key === "z" ? (event.shiftKey ? "redo" : "undo") : key === "y" ? "redo" : null;
      if (act) { state.down = false; api[act](); event.preventDefault(); }
      return;
    }
    if (event.altKey) return;
    const move = moves[event.key];
    if (move) {
      const far = event.shiftKey ? 0.005 : 0.02;
      state.cursor = { x: clamp(state.cursor.x + far * move[0]), y: clamp(state.cursor.y + far * move[1]) };
      if (state.down) state.current?.points.push({ ...state.cursor, force: 1 });
    } else if (event.key === " " || event.key === "Enter") {
      if (event.repeat) return;
      state.down = !state.down;
      if (state.down) begin({ ...state.cursor, force: 1 }); else end();
    } else if (key === "e") canvas.dispatchEvent(new CustomEvent("tool", { detail: state.tool === "pen" ? "eraser" : "pen" }));
    else if (key === "[" || key === "]") canvas.dispatchEvent(new CustomEvent("thick", { detail: key === "[" ? -1 : 1 }));
    else return;
    state.keys = true;
    event.preventDefault();
    draw();
  });
  canvas.addEventListener("blur", () => {
    if (state.down) end();
    Object.assign(state, { keys: false, down: false });
    draw();
  });
}

const clamp = (value) => Math.min(1, Math.max(0, value));

function drawCursor(canvas, { cursor, width, down }) {
  const context = canvas.getContext("2d");
  const size = Math.min(canvas.width, canvas.height);
  context.beginPath();
  context.arc(cursor.x * canvas.width, cursor.y * canvas.height, Math.max(6, (width * size) / REFERENCE), 0, 7);
  context.lineWidth = size / 250;
  context.strokeStyle = down ? "#b3261e" : "#2952cc";
  context.stroke();
}

function paint(context, width, height, strokes) {
  context.fillStyle = PAPER;
  context.fillRect(0, 0, width, height);
  const size = Math.min(width, height) / REFERENCE;
  for (const stroke of strokes) {
    if (stroke.all) { context.fillStyle = PAPER; context.fillRect(0, 0, width, height); continue; }
    context.strokeStyle = context.fillStyle = stroke.erase ? PAPER : INK;
    context.lineCap = context.lineJoin = "round";
    line(context, stroke, (point) => [point.x * width, point.y * height], stroke.width * size);
  }
}

function line(context, { points }, place, thick) { // through the midpoints: no corners of a fast hand
  const [first] = points;
  if (points.length === 1) {
    context.beginPath();
    context.arc(...place(first), (thick * first.force) / 2, 0, 7);
    context.fill();
    return;
  }
  const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  let from = first;
  points.slice(1).forEach((point, index) => {
    const before = points[index];
    const to = index === points.length - 2 ? point : middle(before, point);
    context.beginPath();
    context.lineWidth = (thick * (before.force + point.force)) / 2;
    context.moveTo(...place(from));
    context.quadraticCurveTo(...place(before), ...place(to));
    context.stroke();
    from = to;
  });
}

function picture(strokes, width, height) { // large first, then halved: thin lines stay grey, not broken
  const scale = Math.max(1, Math.min(4, Math.floor(1024 / Math.max(width, height))));
  const large = new OffscreenCanvas(width * scale, height * scale);
  paint(large.getContext("2d"), large.width, large.height, strokes);
  const made = new OffscreenCanvas(width, height);
  const context = made.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(large, 0, 0, width, height);
  return made.convertToBlob({ type: "image/png" });
}
