// The network, beside the page so that the page stays quick. Started from a blob, so that the page's
// content security policy holds here too: nothing can be sent anywhere else.
import { translate } from "./tiles.js";

const here = new URL("../", import.meta.url);
const say = (kind, more = {}, given = []) => self.postMessage({ kind, ...more }, given);
let facts, network, spare = null; // spare: the processor's network while WebGPU is at work
let quick = null; // a graph for the processor that takes its weights from model.onnx

self.onmessage = async ({ data }) => {
  try {
    if (data.kind === "open") await open(data);
    else await answer(data);
  } catch (error) {
    const memory = /memory|alloc|RangeError|OrtRun/i.test(String(error));
    say("failed", { id: data.id, text: String(error?.message ?? error), memory });
  }
};

async function open({ facts: known, backend }) {
  facts = known;
  if (facts.quick) quick = await fetched("quick.onnx", facts.quick);
  const weights = await fetched("model.onnx", facts.bytes);
  const forced = backend === "webgpu";
  let why = "";
  if (backend !== "wasm" && await adapter(forced)) {
    const opening = onGpu(weights);
    const made = await (forced ? opening : Promise.race([opening, late()]));
    ({ gpu: network, exact: spare = null, why } = made);
    if (network) return say("ready", { backend: "WebGPU" });
  }
  const ort = await runtime("ort.wasm.min.mjs");
  network = await session(ort, weights, "wasm");
  say("ready", { backend: processor(why) });
}

function threads() {
  return self.crossOriginIsolated ? Math.min(8, self.navigator.hardwareConcurrency || 1) : 1;
}

// What the page says of the processor, and why not of the graphics processor where there is one.
function processor(why) {
  const many = threads() > 1 ? `${threads()} threads` : "1 thread";
  return `WebAssembly, ${many}${why ? ` (WebGPU is not used: ${why})` : ""}`;
}

function reason(error) {
  const text = String(error?.message ?? error).replace(/\s+/g, " ").trim();
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

// A graphics driver that does not answer must not keep the page waiting.
const late = () => new Promise((done) => setTimeout(done, 30_000, { why: "no answer in 30 seconds" }));

// The file, with how much of it is here.
async function fetched(name, size) {
  const other = new Error(`${name} is another one than this page's.`);
  const reply = await fetch(new URL(name, here));
  if (!reply.ok) throw new Error(`${name} is not there (${reply.status}).`);
  const content = new Uint8Array(size);
  let got = 0;
  for (const reader = reply.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (got + value.length > size) throw other;
    content.set(value, got);
    got += value.length;
    say("loading", { done: got, of: size });
  }
  if (got !== size) throw other;
  return content;
}

async function adapter(forced) {
  const found = await self.navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  const slow = found?.info?.isFallbackAdapter; // a processor that plays a graphics card
  return found && (forced || !slow) ? found : null;
}

async function runtime(name) {
  const ort = await import(new URL(`runtime/${name}`, here).href);
  ort.env.wasm.wasmPaths = new URL("runtime/", here).href;
  ort.env.wasm.numThreads = threads();
  ort.env.logLevel = "error";
  return ort;
}

async function session(ort, weights, provider) {
  const options = { executionProviders: [provider], logSeverityLevel: 3 };
  const borrowed = { ...options, externalData: [{ path: "model.onnx", data: weights }] };
  const made = await (quick && provider === "wasm"
    ? ort.InferenceSession.create(quick, borrowed)
    : ort.InferenceSession.create(weights, options));
  return async (planes, height, width) => {
    const source = new ort.Tensor("float32", planes, [1, 3, height, width]);
    const { picture } = await made.run({ source });
    const answer = await picture.getData();
    source.dispose();
    return answer;
  };
}

// WebGPU is used only if it gives the processor's picture, to two grey levels.
async function onGpu(weights) {
  try {
    const ort = await runtime("ort.webgpu.min.mjs");
    const [gpu, exact] = [await session(ort, weights, "webgpu"), await session(ort, weights, "wasm")];
    const side = Math.ceil(64 / facts.multiple) * facts.multiple;
    const source = Float32Array.from({ length: 3 * side * side }, (_, i) => Math.sin(i * 0.37 + (i % 97)));
    const [one, other] = [await gpu(source.slice(), side, side), await exact(source.slice(), side, side)];
    const off = one.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);
    if (!(off <= 2 / 127.5)) throw new Error(`differs by ${(off * 127.5).toFixed(1)} grey levels`);
    return { gpu, exact };
  } catch (error) {
    return { why: reason(error) };
  }
}

async function answer({ id, pixels, width, height }) {
  let began = performance.now();
  const given = new Uint8Array(pixels);
  const told = (done, of) => of > 1 && say("progress", { id, done, of });
  const made = await translate(given, width, height, network, facts, told).catch((error) => {
    if (!spare) throw error;
    [network, spare] = [spare, null]; // the graphics processor is gone or too small
    say("changed", { backend: processor(reason(error)) });
    began = performance.now();
    return translate(given, width, height, network, facts, told);
  });
  say("done", { id, pixels: made.buffer, width, height, ms: performance.now() - began }, [made.buffer]);
}
