// Several pictures at once: sent in parts that the server takes, back as zip files.
import * as api from "./app_api.js";
import { element, find, plural, safe, save, say, weight } from "./app_dom.js";
import { fit, forget, read } from "./app_picture.js";
import { text } from "./app_zip.js";

const MOST = 50; // pictures in one part

// several({limits, models, options}) -> {take(files)}
export function several({ limits, models, options }) {
  const state = { files: [], work: null, busy: false };
  const note = (text) => { find("several-note").textContent = text; };

  function take(files) {
    if (!files.length || state.busy) return;
    state.files = [...files];
    find("several-error").textContent = "";
    const bytes = state.files.reduce((sum, file) => sum + file.size, 0);
    note(`${plural(state.files.length, "picture")}, ${weight(bytes)}`);
    list();
    find("several-go").hidden = false;
    find("several-go").focus();
  }

  function list(failed = new Map()) { // those that could not be translated first, with the reason
    const line = (file, index) => element("li", {}, file.name, failed.has(index)
      ? element("span", { class: "bad" }, ` ${failed.get(index)}`) : element("span", { class: "soft" }, ` ${weight(file.size)}`));
    const lines = state.files.map(line);
    const [bad, good] = [true, false].map((is) => lines.filter((_, index) => failed.has(index) === is));
    find("several-files").replaceChildren(...bad, ...good);
  }

  async function go() {
    const chosen = models().filter((model) => !model.slow);
    if (!chosen.length) return refused(new Error("Choose a model first; slow ones take one picture at a time."));
    state.work = new AbortController();
    const { signal } = state.work;
    busy(true);
    find("several-error").textContent = "";
    const failed = new Map(); // index: reason
    try {
      for (const model of chosen) await translated(model, signal, failed);
      list(failed);
      const [all, whole] = [state.files.length, state.files.length - failed.size];
      note(failed.size ? `${whole} of ${plural(all, "picture")} translated and saved.` : `${plural(all, "picture")} translated and saved.`);
      if (failed.size) find("several-error").textContent = `${plural(failed.size, "picture")} could not be translated; see the list. errors.txt in the zip file says the same.`;
      else say("All pictures are translated.");
    } catch (error) {
      refused(signal.aborted ? new Error("Stopped. Zip files that are already saved are complete.") : error);
    }
    busy(false);
  }

  async function translated(model, signal, failed) {
    note("Reading the pictures …");
    const ready = await parts(state.files, limits(), options().size === "auto" ? model.size : null);
    const reverse = Number(options().reverse && model.directions.includes("reverse"));
    let before = 0;
    for (const [index, part] of ready.entries()) {
      const count = (done) => note(`${model.name}: picture ${Math.min(before + done + 1, state.files.length)} of ${state.files.length} …`);
      count(0);
      const zip = await api.batch(part, { model: model.name, reverse, format: options().format }, { note, count, signal });
      save(zip, `${safe(model.name)}${ready.length > 1 ? `_${index + 1}` : ""}.zip`);
      for (const line of (await text(zip, "errors.txt")).split("\n")) {
        const [, place, why] = /^(\d+)_[^:]*: (.*)$/.exec(line) ?? [];
        if (place) failed.set(before + Number(place) - 1, why);
      }
      before += part.length;
    }
  }

  function busy(is) {
    state.busy = is;
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
  const most = Math.min(MOST, limits.batch ?? MOST, limits.per_minute || MOST);
  const made = [[]];
  let bytes = 0;
  for (const file of files) {
    const picture = await read(file);
    const { blob } = await fit(picture, { ...limits, megabytes: room / 1e6 }, size);
    forget(picture);
    if (made.at(-1).length && (bytes + blob.size > room || made.at(-1).length >= most)) { made.push([]); bytes = 0; }
    made.at(-1).push({ blob, name: file.name });
    bytes += blob.size;
  }
  return made;
}
