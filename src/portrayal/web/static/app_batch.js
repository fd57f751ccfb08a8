// Several pictures at once: sent in parts that the server takes, back as zip files.
import * as api from "./app_api.js";
import { element, find, plural, safe, save, say, weight } from "./app_dom.js";
import { fit, forget, read } from "./app_picture.js";

const MOST = 50; // pictures in one part

// several({limits, models, options}) -> {take(files)}
export function several({ limits, models, options }) {
  const state = { files: [], work: null };
  const note = (text) => { find("several-note").textContent = text; };

  function take(files) {
    if (!files.length) return;
    state.files = [...files];
    find("several-error").textContent = "";
    const bytes = state.files.reduce((sum, file) => sum + file.size, 0);
    note(`${plural(state.files.length, "picture")}, ${weight(bytes)}`);
    find("several-files").replaceChildren(...state.files.map((file) => element("li", {}, file.name, element("span", { class: "soft" }, ` ${weight(file.size)}`))));
    find("several-go").hidden = false;
    find("several-go").focus();
  }

  async function go() {
    const chosen = models().filter((model) => !model.slow);
    if (!chosen.length) return refused(new Error("Choose a model first; slow ones take one picture at a time."));
    state.work = new AbortController();
    const { signal } = state.work;
    busy(true);
    find("several-error").textContent = "";
    try {
      for (const model of chosen) await translated(model, signal);
      note(`${plural(state.files.length, "picture")} translated and saved.`);
      say("All pictures are translated.");
    } catch (error) {
      refused(signal.aborted ? new Error("Stopped. Zip files that are already saved are complete.") : error);
    }
    busy(false);
  }

  async function translated(model, signal) {
    const ready = await parts(state.files, limits(), options().size === "auto" ? model.size : null);
    for (const [index, part] of ready.entries()) {
      const which = ready.length > 1 ? `, part ${index + 1} of ${ready.length}` : "";
      note(`${model.name}: translating ${plural(part.length, "picture")}${which} …`);
      const reverse = Number(options().reverse && model.directions.includes("reverse"));
      const zip = await api.batch(part, { model: model.name, reverse, format: options().format }, { note, signal });
      save(zip, `${safe(model.name)}${ready.length > 1 ? `_${index + 1}` : ""}.zip`);
    }
  }

  function busy(is) {
    find("several-go").disabled = is;
    find("several-stop").hidden = !is;
    find("way-several").setAttribute("aria-busy", String(is));
  }

  function refused(error) {
    note("");
    find("several-error").textContent = error.message;
  }

  find("several-go").addEventListener("click", go);
  find("several-stop").addEventListener("click", () => state.work?.abort(new DOMException("stopped", "AbortError")));
  find("files").addEventListener("change", () => { take(find("files").files); find("files").value = ""; });
  return { take };
}

// Pictures within the limits, in parts whose bodies are within them too
export async function parts(files, limits, size) {
  const room = limits.megabytes * 1e6 * 0.95; // multipart adds some
  const made = [[]];
  let bytes = 0;
  for (const file of files) {
    const picture = await read(file);
    const { blob } = await fit(picture, { ...limits, megabytes: room / 1e6 }, size);
    forget(picture);
    const most = Math.min(MOST, limits.batch ?? MOST);
    if (made.at(-1).length && (bytes + blob.size > room || made.at(-1).length >= most)) { made.push([]); bytes = 0; }
    made.at(-1).push({ blob, name: file.name });
    bytes += blob.size;
  }
  return made;
}
