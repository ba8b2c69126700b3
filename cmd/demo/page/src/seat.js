// The seat: as whom somebody looks at this page, and at what. It outlives a
// reload, and each window has its own, so two windows can be two people.

import { useAgain } from "./again.js";
import { keep, kept } from "./memory.js";

const listeners = new Set();

export const seat = {
  me: null, // user id; null: the server's suggestion
  place: null, // a channel's id, or "home" for the app's Home; null: the server's suggestion
  thread: null, // ts of the thread beside the channel
  cloud: null, // the project whose cloud was chosen in the room; null: that of the place
  side: "slack", // what a narrow screen shows: slack or room
  ...JSON.parse(kept("sessionStorage", "seat") ?? "{}"),
  draft: null, // text put into the composer from elsewhere: {text, n}
  spot: null, // a message to bring into view: {ts, n}
};

// sit changes the seat. Where somebody goes is an entry of the browser's history.
export function sit(change) {
  const before = view();
  if (change.place && change.place !== seat.place) seat.cloud = null;
  Object.assign(seat, change);
  if (view() !== before) history.pushState(JSON.parse(view()), "");
  settled();
}

// view is at what somebody looks, for the browser to come back to.
const view = () => JSON.stringify({ place: seat.place, thread: seat.thread, side: seat.side });

function settled() {
  const { me, place, thread, side } = seat;
  keep("sessionStorage", "seat", JSON.stringify({ me, place, thread, side }));
  for (const l of listeners) l();
}

// arrive gives a seat that knows no place yet the server's suggestion.
export function arrive(place) {
  seat.place ??= place;
  history.replaceState(JSON.parse(view()), "");
}

// Back and Forward lead to other places, never to another person.
addEventListener("popstate", (e) => {
  if (!e.state) return;
  const { place, thread, side } = e.state;
  if (place !== seat.place) seat.cloud = null;
  Object.assign(seat, { place, thread, side });
  settled();
});

// useSeat draws a component again when the seat changes.
export function useSeat() {
  useAgain(listeners);
  return seat;
}

let n = 0;

// compose puts text into the composer of a channel, for the person to send.
export const compose = (channel, text) => sit({ place: channel, cloud: null, side: "slack", draft: { text, n: ++n } });

// goTo brings a message into view, or a reply in its thread.
export const goTo = (channel, ts, thread = null) => sit({ place: channel, thread, side: "slack", spot: { ts, n: ++n } });
