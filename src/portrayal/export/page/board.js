// A drawing board: pen, eraser, width, undo, clear. White paper; `drawn` hears of each finished stroke.

const KEPT = 30; // steps that can be undone

export function board(canvas, tools, [height, width], drawn) {
  const scale = Math.max(1, Math.round(512 / Math.max(height, width)));
  [canvas.width, canvas.height] = [width * scale, height * scale];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const past = [];
  let last = null, erasing = false;

  const paper = () => {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
  };
  const remember = () => {
    past.push(context.getImageData(0, 0, canvas.width, canvas.height));
    if (past.length > KEPT) past.shift();
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const shown = Math.min(box.width / canvas.width, box.height / canvas.height);
    return [
      (event.clientX - box.left - (box.width - canvas.width * shown) / 2) / shown,
      (event.clientY - box.top - (box.height - canvas.height * shown) / 2) / shown,
    ];
  };
  const line = (event) => {
    const next = place(event);
    context.strokeStyle = erasing ? "#fff" : tools.colour.value;
    context.lineWidth = Number(tools.width.value);
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...last);
    context.lineTo(...next);
    context.stroke();
    last = next;
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button) return;
    canvas.setPointerCapture(event.pointerId);
    remember();
    last = place(event);
    line(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last || !event.isPrimary) return;
    for (const step of event.getCoalescedEvents?.() ?? []) line(step);
    line(event);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, () => {
      if (last) drawn();
      last = null;
    });
  }
  const choose = (eraser) => {
    erasing = eraser;
    tools.pen.setAttribute("aria-pressed", String(!eraser));
    tools.eraser.setAttribute("aria-pressed", String(eraser));
  };
  const undo = () => {
    if (!past.length) return;
    context.putImageData(past.pop(), 0, 0);
    drawn();
  };
  tools.pen.onclick = () => choose(false);
  tools.eraser.onclick = () => choose(true);
  tools.colour.oninput = () => choose(false);
  tools.undo.onclick = undo;
  tools.clear.onclick = () => { remember(); paper(); drawn(); };
  document.addEventListener("keydown", (event) => {
    if (!canvas.offsetParent || !(event.ctrlKey || event.metaKey) || event.key !== "z") return;
    event.preventDefault();
    undo();
  });
  paper();
  return { size: [width, height] };
}
