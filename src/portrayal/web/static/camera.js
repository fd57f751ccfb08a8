// A webcam: started when asked, stopped as soon as its picture is taken or its tab is left.
import { find } from "./app_dom.js";

const WORDS = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it in the address bar, or choose a picture instead.",
  NotFoundError: "No camera was found. Choose a picture instead.",
  NotReadableError: "Another program holds the camera. Close it and try again, or choose a picture instead.",
};
const INSECURE = "Browsers give a camera only to pages over https or on this machine (localhost). Choose a picture instead.";
const GONE = "The camera is gone. Connect it and start again, or choose a picture instead.";

// camera(taken) -> {close}; `taken` gets each picture as a file
export function camera(taken) {
  const video = find("video");
  let [stream, facing, asked] = [null, "user", 0];

  async function open() {
    const mine = (asked += 1); // whoever closes or asks again meanwhile counts asks on
    release();
    find("camera-error").textContent = "";
    find("camera-start").textContent = "Starting …";
    try {
      const given = await started(facing);
      if (mine !== asked) return given.getTracks().forEach((track) => track.stop());
      stream = video.srcObject = given;
      given.getVideoTracks()[0].addEventListener("ended", () => { if (stream === given) close(GONE); });
      await video.play();
      const every = await navigator.mediaDevices.enumerateDevices();
      if (mine === asked) show(true, every.filter((each) => each.kind === "videoinput").length > 1);
    } catch (error) {
      if (mine === asked) close(error.message);
    }
  }

  function show(on, several = false) {
    const [from, to] = on ? ["camera-ask", "camera-take"] : ["camera-row", "camera-start"];
    const held = find(from).contains(document.activeElement); // by what is about to be hidden
    find("video").hidden = find("camera-row").hidden = !on;
    find("camera-ask").hidden = on;
    find("camera-turn").hidden = !several;
    find("camera-start").textContent = "Start the camera";
    if (held) find(to).focus();
  }

  function release() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
  }

  function close(why = "") {
    asked += 1;
    release();
    show(false);
    find("camera-error").textContent = why;
  }

  async function take() {
    if (!stream || !video.videoWidth) return;
    const made = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    made.getContext("2d").drawImage(video, 0, 0);
    close();
    taken(new File([await made.convertToBlob({ type: "image/jpeg", quality: 0.95 })], "photo.jpg", { type: "image/jpeg" }));
  }

  find("camera-start").addEventListener("click", open);
  find("camera-turn").addEventListener("click", () => { facing = facing === "user" ? "environment" : "user"; open(); });
  find("camera-stop").addEventListener("click", () => close());
  find("camera-take").addEventListener("click", take);
  return { close: () => close() };
}

async function started(facing) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error(INSECURE);
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing, width: { ideal: 1280 }, height: { ideal: 960 } } });
  } catch (error) {
    throw new Error(WORDS[error.name] ?? `The camera cannot be used (${error.name}). Choose a picture instead.`);
  }
}
