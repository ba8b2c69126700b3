// What Slack itself says to one person, in this window alone.

import { useAgain } from "../again.js";
import { now, world } from "../world.js";
import { me } from "./people.js";

const said = [];
const listeners = new Set();

// complain shows words of Slackbot's where the person is writing.
export function complain(channel, thread, text) {
  // After all that stands there, even if the clocks differ a little.
  const last = Math.max(0, ...[...world.messages.values(), ...said].filter((m) => m.channel === channel).map((m) => parseFloat(m.ts)));
  const ts = Math.max(now() / 1000, last + 0.000001).toFixed(6);
  said.push({ channel, thread_ts: thread ?? "", ts, user: "slackbot", text, edited: 0, ephemeral_to: me() });
  for (const l of listeners) l();
}

export function useComplaints() {
  useAgain(listeners);
  return said;
}
