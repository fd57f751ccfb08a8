// Text in PNG files: that a picture is generated, by which model, from which source.

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

// One chunk: length, kind, content, checksum of kind and content (PNG, 5.3).
function chunk(kind, content) {
  const bytes = new Uint8Array(12 + content.length), view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, crc(bytes.subarray(4, 8 + content.length)));
  return bytes;
}

// International text, not compressed: keyword, 0, no compression (0, 0), no language, no translation.
const text = (keyword, value) => chunk("iTXt", new TextEncoder().encode(`${keyword}\0\0\0\0\0${value}`));

// The PNG with texts behind its header, which is 8 + 25 bytes long.
export function marked(png, texts) {
  const chunks = Object.entries(texts).map(([keyword, value]) => text(keyword, value));
  return new Blob([png.subarray(0, 33), ...chunks, png.subarray(33)], { type: "image/png" });
}

export async function sha256(bytes) {
  if (!self.crypto?.subtle) return null; // browsers keep it from pages that came by plain http
  const hash = new Uint8Array(await self.crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
