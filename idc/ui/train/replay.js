// Play, pause, seek and speed of a replay. Python owns the clock; the slider
// extrapolates between two messages, and a visitor who drags it takes precedence.

import { element, newButton } from "../components/browser/dom.js";

const MAX_DRIFT = 0.03; // of the whole length; below it the extrapolation goes on

export default function ({ data, parentElement, setTriggerValue }) {
  const bar = parentElement.bar ?? (parentElement.bar = newBar(parentElement));
  bar.send = (action, value) => setTriggerValue("command", { action, value });
  const commanded = bar.data?.number !== data.number || bar.data?.playing !== data.playing;
  const off = Math.abs(currentTime(bar) - data.at) > MAX_DRIFT * data.end;
  if (commanded || off) bar.base = { at: data.at, time: performance.now() };
  bar.data = data;
  bar.slider.max = data.end;
  showSpeeds(bar);
  update(bar);
  cancelAnimationFrame(bar.frame);
  const run = () => {
    update(bar);
    if (bar.data.playing) bar.frame = requestAnimationFrame(run);
  };
  run();
  return () => cancelAnimationFrame(bar.frame);
}

function newBar(parentElement) {
  const play = newButton("play");
  const slider = element("input", "slider");
  Object.assign(slider, { type: "range", min: 0, step: 0.1 });
  slider.setAttribute("aria-label", "Time of the training");
  const words = element("output", "words");
  const speed = element("select", "speed");
  speed.setAttribute("aria-label", "Speed");
  const close = newButton("close", "✕");
  close.setAttribute("aria-label", "End the replay");
  close.title = "End the replay";
  parentElement.append(element("div", "bar", play, slider, words, speed, close));
  const bar = { play, slider, words, speed, base: { at: 0, time: 0 }, held: false };
  play.addEventListener("click", () => bar.send(bar.data.playing ? "pause" : "play"));
  slider.addEventListener("input", () => {
    bar.held = true;
    update(bar);
  });
  slider.addEventListener("change", () => {
    bar.held = false;
    bar.base = { at: slider.valueAsNumber, time: performance.now() };
    bar.send("seek", slider.valueAsNumber);
  });
  speed.addEventListener("change", () => bar.send("speed", Number(speed.value)));
  close.addEventListener("click", () => bar.send("close"));
  return bar;
}

function currentTime({ base, data }) {
  if (!data) return -1;
  const gone = data.playing ? ((performance.now() - base.time) / 1000) * data.factor : 0;
  return Math.min(base.at + gone, data.end);
}

function update(bar) {
  const { slider, words, play, data } = bar;
  const at = bar.held ? slider.valueAsNumber : currentTime(bar);
  if (!bar.held) slider.value = at;
  slider.style.setProperty("--at", data.end ? at / data.end : 1);
  words.textContent = `${formatClock(at)} of ${formatClock(data.end)}`;
  slider.setAttribute("aria-valuetext", words.textContent);
  const sign = data.playing ? "❚❚" : "▶";
  if (play.textContent !== sign) {
    play.textContent = sign;
    play.setAttribute("aria-label", data.playing ? "Pause the replay" : "Play the replay");
  }
}

function showSpeeds({ speed, data }) {
  if (speed.options.length !== data.speeds.length) {
    speed.replaceChildren(...data.speeds.map(([title, value]) => new Option(title, value)));
  }
  speed.value = data.speed;
}

// "1:02:03", "2:03"
function formatClock(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}`;
}
