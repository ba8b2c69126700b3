// Bringing something into view, wherever it is on the page.

import { sit } from "./seat.js";

const patience = 4000; // ms: a card may come a moment after its request
const marked = 3000; // ms that it is marked

// bring brings what target.find finds into view, and marks it or gives it the focus.
// On a narrow screen it goes to the side that has it, unless it may not (stay).
// target.place is the channel in which it stands. It returns the function that gives up.
export function bring({ side, place, find }, { focus = false, stay = false } = {}) {
  let timer = 0;
  const end = performance.now() + patience;
  const look = () => {
    const e = find();
    if (!e?.checkVisibility()) {
      if (performance.now() < end) timer = setTimeout(look, 100);
      return;
    }
    e.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (focus) return e.focus();
    e.dataset.shown = "";
    setTimeout(() => delete e.dataset.shown, marked);
  };
  if (!stay && !find()?.checkVisibility()) sit(place ? { side, place, thread: null } : { side });
  timer = setTimeout(look);
  return () => clearTimeout(timer);
}
