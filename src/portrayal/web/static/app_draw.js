// The board's tools: buttons for what the board can do.
import { board } from "./board.js";
import { find, save, say } from "./app_dom.js";

const QUIET = 350; // ms without a stroke until a drawing is translated
const SIDE = 768; // of the canvas

// drawing(go) -> {shape(size), picture(size)}; `go` is called when a drawing is to be translated
export function drawing(go) {
  const canvas = find("board");
  let timer = 0;
  const surface = board(canvas, { changed });

  function changed() {
    find("undo").disabled = !surface.canUndo;
    find("redo").disabled = !surface.canRedo;
    find("clear").disabled = find("draw-go").disabled = find("save-drawing").disabled = surface.empty;
    clearTimeout(timer);
    if (find("draw-live").checked && !surface.empty) timer = setTimeout(go, QUIET, true);
  }

  function use(tool) {
    surface.use(tool);
    for (const name of ["pen", "eraser"]) find(name).setAttribute("aria-pressed", String(name === tool));
    canvas.classList.toggle("erasing", tool === "eraser");
  }

  for (const name of ["pen", "eraser"]) find(name).addEventListener("click", () => use(name));
  for (const name of ["undo", "redo"]) find(name).addEventListener("click", () => surface[name]());
  find("clear").addEventListener("click", () => { surface.clear(); say("The board is empty. Undo brings the drawing back."); });
  find("width").addEventListener("input", () => surface.thick(find("width").valueAsNumber));
  canvas.addEventListener("tool", (event) => use(event.detail));
  canvas.addEventListener("thick", (event) => {
    surface.thick(surface.width + event.detail);
    find("width").value = surface.width;
  });
  find("draw-go").addEventListener("click", () => { clearTimeout(timer); go(false); });
  find("save-drawing").addEventListener("click", async () => save(await surface.picture(canvas.width, canvas.height), "drawing.png"));
  surface.thick(find("width").valueAsNumber);

  return {
    get empty() { return surface.empty; },
    shape([height, width]) { // of the model's pictures
      const factor = SIDE / Math.max(height, width);
      const [wide, high] = [Math.round(width * factor), Math.round(height * factor)];
      if (canvas.width !== wide || canvas.height !== high) surface.shape(wide, high);
    },
    picture: ([height, width]) => surface.picture(width, height),
  };
}
