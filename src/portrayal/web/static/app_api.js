// The server's API. What it refuses becomes one line that says what to do.
import { entries } from "./app_zip.js";
import { pause, root, say } from "./app_dom.js";

export class Refused extends Error {
  constructor(text, status = 0, wait = 0) {
    super(text);
    this.status = status;
    this.wait = wait; // seconds until it is worth another try
  }
}

const AWAY = "The server does not answer. See whether “portrayal serve” still runs, then try again.";
const FALLBACK = {
  413: "The picture is too large for this server. Choose a smaller one.",
  415: "This is no picture that the server can read. Choose a PNG, JPEG or WebP.",
  429: "Too many pictures in one minute. Wait a moment.",
  503: "The server is busy. Try again in a moment.",
  504: "The translation took too long. Choose a smaller picture.",
};

async function refusal(answer) {
  const body = await answer.json().catch(() => ({}));
  const text = [body.error, body.detail].find((each) => typeof each === "string");
  const wait = Number(answer.headers.get("retry-after")) || 0;
  return new Refused(text ?? FALLBACK[answer.status] ?? `The server answered ${answer.status}. Try again.`, answer.status, wait);
}

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(new URL(path, root), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(AWAY);
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

export const json = async (path, options) => (await ask(path, options)).json();

const PATIENCE = 180; // seconds for which a full server is asked again
const SOON = 5; // seconds before it is asked again that this is said aloud once more

async function patiently(work, note, signal) { // when it says so
  const end = performance.now() + 1000 * PATIENCE;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const wait = error instanceof Refused && [429, 503].includes(error.status) ? Math.ceil(error.wait) : 0;
      if (!wait || performance.now() + 1000 * wait > end) throw error;
      const [why] = error.message.split(/[;.]/);
      for (let seconds = wait; seconds > 0; seconds -= 1) {
        const text = `${why}; trying again in ${seconds} s`;
        note(text);
        if (seconds === wait || seconds === SOON) say(text); // a screen reader hears no countdown
        await pause(1000, signal);
      }
    }
  }
}

const query = (options) => new URLSearchParams(Object.entries(options).map(([name, value]) => [name, String(value)]));

// What options are: {model, reverse, format, show_input}; 0 and 1 stand for no and yes.
export async function translate(blob, options, { note, signal }) {
  return patiently(async () => {
    return timed(await ask(`api/translate?${query(options)}`, { method: "POST", body: blob, signal }));
  }, note, signal);
}

const timed = async (answer) => ({
  blob: await answer.blob(),
  seconds: Number(answer.headers.get("x-portrayal-seconds")),
  queued: Number(answer.headers.get("x-portrayal-queue-seconds")),
});

// `count` hears how many pictures of the zip have arrived.
export async function batch(files, options, { note, count, signal }) {
  return patiently(async () => {
    const form = new FormData();
    for (const { blob, name } of files) form.append("pictures", blob, name);
    const answer = await ask(`api/batch?${query(options)}`, { method: "POST", body: form, signal });
    return new Response(answer.body.pipeThrough(entries(count))).blob();
  }, note, signal);
}

const DONE = ["done", "failed", "cancelled"];

// A translation that takes long or has to wait: `tell` gets its state, `show` what a search has so far.
export async function job(blob, options, { note, tell, show, signal }) {
  const { job: id } = await patiently(
    async () => json(`api/jobs?${query(options)}`, { method: "POST", body: blob, signal }), note, signal);
  const leave = () => fetch(new URL(`api/jobs/${id}`, root), { method: "DELETE", keepalive: true }).catch(() => {});
  signal.addEventListener("abort", leave, { once: true });
  const look = snapshots(`api/jobs/${id}/picture`, signal, show);
  const state = await follow(id, signal, (now) => { tell(now); look(now); });
  if (state.state !== "done") throw new Refused(state.error ?? "The translation was cancelled.");
  const answer = await timed(await ask(`api/jobs/${id}/picture`, { signal }));
  signal.removeEventListener("abort", leave);
  return answer;
}

function snapshots(path, signal, show) { // one at a time, each once
  let [seen, busy] = [0, false];
  return async ({ state, snapshots: there = 0 }) => {
    if (busy || there === seen || DONE.includes(state)) return;
    [seen, busy] = [there, true];
    try {
      const answer = await ask(path, { signal });
      if (answer.headers.has("x-portrayal-snapshot")) show(await answer.blob());
    } catch { /* it has just ended: the answer comes, or what was wrong */ }
    busy = false;
  };
}

// A full server shows the place in its queue; the others answer at once.
export async function quickly(blob, options, how) {
  const { working = 0, waiting = 0 } = await json("health", { signal: how.signal });
  return (working + waiting >= how.workers ? job : translate)(blob, options, how);
}

function follow(id, signal, tell) { // by events; by asking where they do not come through
  return new Promise((resolve, reject) => {
    const events = new EventSource(new URL(`api/jobs/${id}/events`, root));
    const end = (how, value) => { events.close(); how(value); };
    signal.addEventListener("abort", () => end(reject, signal.reason), { once: true });
    const hear = (state) => { tell(state); if (DONE.includes(state.state)) end(resolve, state); };
    events.onmessage = (event) => hear(JSON.parse(event.data));
    events.onerror = async () => {
      events.close();
      try {
        for (let state; !DONE.includes(state?.state); await pause(500, signal)) {
          state = await json(`api/jobs/${id}`, { signal });
          tell(state);
          if (DONE.includes(state.state)) return resolve(state);
        }
      } catch (error) { reject(error); }
    };
  });
}
