// Bringing something into view, wherever it is on the page.

import { sit } from "./seat.js";

const patience = 4000; // ms: a card may come a moment after its request
const marked = 3000; // ms that it is marked

// bring brings what target.find finds into view, and marks it or gives it the focus.
// On a narrow screen it goes to the side that has it, unless it may not (stay).
// target.place is the channel in which it stands, perhaps under a thread. What grows above it in the room does
// not push it out again, until the person scrolls. It returns the function that gives up.
export function bring({ side, place, find }, { focus = false, stay = false } = {}) {
  let timer = 0;
  let letGo = () => {};
  const end = performance.now() + patience;
  const look = () => {
    const e = find();
    if (!e?.checkVisibility()) {
      if (e && place && !stay) sit({ place, thread: null });
      if (performance.now() < end) timer = setTimeout(look, 100);
      return;
    }
    e.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (focus) return e.focus();
    e.dataset.shown = "";
    setTimeout(() => delete e.dataset.shown, marked);
    letGo = hold(e);
  };
  if (!stay && document.querySelector(`.${side}`)?.checkVisibility() === false) sit({ side });
  timer = setTimeout(look);
  return () => {
    clearTimeout(timer);
    letGo();
  };
}

function hold(e) {
  const bench = e.closest(".bench");
  if (!bench) return () => {}; // a channel holds its place itself
  const left = new AbortController();
  const watcher = new ResizeObserver(() => (e.isConnected ? e.scrollIntoView({ block: "nearest", inline: "nearest" }) : left.abort()));
  watcher.observe(bench);
  left.signal.addEventListener("abort", () => watcher.disconnect());
  for (const what of ["wheel", "touchmove", "pointerdown", "keydown"]) bench.addEventListener(what, () => left.abort(), { passive: true, signal: left.signal });
  return () => left.abort();
}
