// The seat: as whom somebody looks at this page, and at what. It outlives a
// reload, and each window has its own, so two windows can be two people.

import { useAgain } from "./again.js";
import { keep, kept } from "./memory.js";

const listeners = new Set();

export const seat = {
  me: null, // user id; null: the server's suggestion
  place: null, // a channel's id, or "home" for the app's Home; null: the server's suggestion
  thread: null, // ts of the thread beside the channel
  side: "slack", // what a narrow screen shows: slack or room
  ...JSON.parse(kept("sessionStorage", "seat") ?? "{}"),
  draft: null, // text put into the composer from elsewhere: {text, n}
  spot: null, // a message to bring into view: {ts, n}
};

// sit changes the seat.
export function sit(change) {
  Object.assign(seat, change);
  const { me, place, thread, side } = seat;
  keep("sessionStorage", "seat", JSON.stringify({ me, place, thread, side }));
  for (const l of listeners) l();
}

// useSeat draws a component again when the seat changes.
export function useSeat() {
  useAgain(listeners);
  return seat;
}

let n = 0;

// compose puts text into the composer of a channel, for the person to send.
export const compose = (channel, text) => sit({ place: channel, side: "slack", draft: { text, n: ++n } });

// goTo brings a message into view, or a reply in its thread.
export const goTo = (channel, ts, thread = null) => sit({ place: channel, thread, side: "slack", spot: { ts, n: ++n } });
