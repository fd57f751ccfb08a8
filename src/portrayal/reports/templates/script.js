"use strict";
// Progress: one frame at a time. Without this script all frames stand below each other.
for (const film of document.querySelectorAll(".film")) {
  const frames = [...film.querySelectorAll(".frames .strip")];
  const controls = film.querySelector(".controls");
  if (!controls) continue;
  const slider = controls.querySelector("input");
  const output = controls.querySelector("output");
  const button = controls.querySelector("button");
  let timer = 0;
  const show = (index) => {
    frames.forEach((frame, i) => { frame.hidden = i !== index; });
    slider.value = index;
    const text = "step " + Number(frames[index].dataset.step).toLocaleString("en-US");
    output.textContent = text;
    slider.setAttribute("aria-valuetext", text);
  };
  const stop = () => { clearInterval(timer); timer = 0; button.textContent = "▶"; button.setAttribute("aria-label", "Play"); };
  const play = () => {
    if (Number(slider.value) === frames.length - 1) show(0);
    button.textContent = "❚❚";
    button.setAttribute("aria-label", "Pause");
    timer = setInterval(() => {
      show(Number(slider.value) + 1);
      if (Number(slider.value) === frames.length - 1) stop();
    }, 450);
  };
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  button.addEventListener("click", () => (timer ? stop() : play()));
  controls.hidden = false;
  show(frames.length - 1);
}

// Curves: values under the pointer.
for (const plot of document.querySelectorAll(".plot")) {
  const lines = JSON.parse(plot.dataset.lines);
  const box = plot.querySelector(".box");
  const cursor = document.createElement("div");
  const tip = document.createElement("div");
  cursor.className = "cursor";
  tip.className = "tip";
  const hide = () => { cursor.remove(); tip.remove(); };
  box.addEventListener("pointermove", (event) => {
    const area = box.getBoundingClientRect();
    const share = (100 * (event.clientX - area.left)) / area.width;
    const near = lines.filter((line) => line.points.length).map((line) => {
      let best = line.points[0];
      for (const point of line.points) if (Math.abs(point[0] - share) < Math.abs(best[0] - share)) best = point;
      return { name: line.name, point: best };
    });
    if (!near.length) return;
    tip.replaceChildren();
    const rows = [plot.dataset.x + " " + near[0].point[1].toLocaleString("en-US"),
      ...near.map((item) => (near.length > 1 ? item.name + " " : "") + item.point[2])];
    for (const text of rows) {
      const row = document.createElement("div");
      row.textContent = text;
      tip.append(row);
    }
    cursor.style.left = near[0].point[0] + "%";
    box.append(cursor, tip);
    const room = area.width - tip.offsetWidth;
    tip.style.left = Math.max(0, Math.min(room, (near[0].point[0] / 100) * area.width - tip.offsetWidth / 2)) + "px";
  });
  box.addEventListener("pointerleave", hide);
}

addEventListener("beforeprint", () => { for (const details of document.querySelectorAll("details")) details.open = true; });
