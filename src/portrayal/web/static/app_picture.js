// A file of any kind and size -> bytes that this server takes, upright, with a line on what was done.
import { number, weight } from "./app_dom.js";

const QUALITY = [0.95, 0.9, 0.8, 0.7];
const FAR = 1.5; // a picture this much larger than a model's training pictures is made smaller

// {name, blob, url, width, height}; width is null if the browser cannot show it (the server may)
export async function read(file) {
  const name = file.name || "pasted.png";
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const { width, height } = bitmap;
    bitmap.close();
    return { name, blob: file, url: URL.createObjectURL(file), width, height };
  } catch {
    return { name, blob: file, url: null, width: null, height: null };
  }
}

export function forget(picture) {
  if (picture?.url) URL.revokeObjectURL(picture.url);
}

// Which size to send: within the limits, and near the training size (height, width) if that is wanted.
export function target({ width, height }, limits, size) {
  const most = Math.min(1, Math.sqrt((limits.megapixels * 1e6) / (width * height)));
  const known = size ? Math.min(...size) / Math.min(width, height) : 1;
  const factor = known * FAR < 1 ? Math.min(most, known) : most;
  if (factor === 1) return { width, height };
  const floor = (value) => Math.max(1, factor === most ? Math.floor(value * factor) : Math.round(value * factor));
  return { width: floor(width), height: floor(height) };
}

// {blob, note, width, height}
export async function fit(picture, limits, size = null) {
  const bytes = limits.megabytes * 1e6;
  if (picture.width === null) return { ...picture, note: "This browser cannot show this kind of picture; it is sent as it is." };
  const to = target(picture, limits, size);
  const same = to.width === picture.width;
  if (same && picture.blob.size <= bytes) return { ...picture, note: "" };
  const blob = await smaller(picture.blob, to, bytes);
  const was = `${number(picture.width)} × ${number(picture.height)}`;
  const words = same ? `packed to ${weight(blob.size)}` : `made smaller, from ${was} to ${number(to.width)} × ${number(to.height)} pixels`;
  return { ...picture, blob, ...to, note: `${words.charAt(0).toUpperCase()}${words.slice(1)}` };
}

async function smaller(blob, { width, height }, bytes) {
  const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image", resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const exact = width * height <= 1e6 ? await canvas.convertToBlob({ type: "image/png" }) : null;
  if (exact && exact.size <= bytes) return exact;
  let made;
  for (const quality of QUALITY) {
    made = await canvas.convertToBlob({ type: "image/jpeg", quality });
    if (made.size <= bytes) break;
  }
  return made;
}

// Files of a drop or a paste that may be pictures
export const pictures = (transfer) =>
  [...(transfer?.files ?? [])].filter((file) => file.type.startsWith("image/") || !file.type);
