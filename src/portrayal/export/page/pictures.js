// Files, the clipboard, the camera -> pixels; pixels -> canvases.

// What the browser opens: upright, in sRGB.
export async function opened(blob) {
  try {
    return await createImageBitmap(blob, { imageOrientation: "from-image", colorSpaceConversion: "default" });
  } catch {
    throw new Error(`This browser cannot open ${blob.name || "that"} as a picture: try a PNG, JPEG or WebP.`);
  }
}

// Width and height to work at, and why they are not the picture's own.
export function working([width, height], wanted, facts) {
  let factor = 1, why = "";
  if (wanted === "training") {
    factor = Math.min(...facts.training) / Math.min(width, height);
    why = "the size of the training pictures";
  } else if (wanted !== "all" && Math.max(width, height) > Number(wanted)) {
    factor = Number(wanted) / Math.max(width, height);
    why = `at most ${wanted} pixels a side`;
  }
  if (width * height * factor ** 2 > facts.largest) {
    factor = Math.sqrt(facts.largest / (width * height));
    why = `at most ${facts.largest / 1e6} megapixels`;
  }
  const size = [width, height].map((side) => Math.max(1, Math.floor(side * factor + 1e-6)));
  return { size, why: factor === 1 ? "" : why };
}

// RGBA bytes at that size, transparent parts on white.
export function pixels(picture, [width, height]) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height, { colorSpace: "srgb" }).data;
}

export function show(canvas, data, width, height) {
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// The camera in a dialog; `taken` gets each picture. Closed, it is switched off.
export function camera(dialog, buttons, video, taken, failed) {
  let facing = "user", stream = null;
  const off = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
  };
  const on = async () => {
    off();
    try {
      if (!navigator.mediaDevices) throw new Error("the camera needs https");
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing, width: { ideal: 1280 } } });
      if (!dialog.open) dialog.showModal();
      video.srcObject = stream;
    } catch (error) {
      if (dialog.open) dialog.close();
      failed(`No camera: ${error.message}.`);
    }
  };
  buttons.open.onclick = on;
  buttons.turn.onclick = () => { facing = facing === "user" ? "environment" : "user"; on(); };
  buttons.close.onclick = () => dialog.close();
  buttons.shoot.onclick = async () => {
    if (!video.videoWidth) return;
    const picture = await createImageBitmap(video);
    dialog.close();
    taken(picture);
  };
  dialog.addEventListener("close", off);
}
