// A webcam: started when asked, stopped as soon as its picture is taken.
const WORDS = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it in the address bar, or choose a picture instead.",
  NotFoundError: "No camera was found. Choose a picture instead.",
  NotReadableError: "Another program holds the camera. Close it and try again, or choose a picture instead.",
};
const INSECURE = "Browsers give a camera only to pages over https or on this machine (localhost). Choose a picture instead.";

export function camera(video) {
  let stream = null;
  let facing = "user";

  async function start() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error(INSECURE);
    stop();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing, width: { ideal: 1280 }, height: { ideal: 960 } } });
    } catch (error) {
      throw new Error(WORDS[error.name] ?? `The camera cannot be used (${error.name}). Choose a picture instead.`);
    }
    video.srcObject = stream;
    await video.play();
    const every = await navigator.mediaDevices.enumerateDevices();
    return every.filter((each) => each.kind === "videoinput").length; // how many there are
  }

  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
  }

  async function take() {
    const made = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    made.getContext("2d").drawImage(video, 0, 0);
    stop();
    return new File([await made.convertToBlob({ type: "image/jpeg", quality: 0.95 })], "photo.jpg", { type: "image/jpeg" });
  }

  const turn = () => { facing = facing === "user" ? "environment" : "user"; return start(); };
  return { start, stop, take, turn, get on() { return stream !== null; } };
}
