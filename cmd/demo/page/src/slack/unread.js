// What somebody has not seen yet. This window remembers how far each person
// has read each channel; what was there before the page was opened counts as read.

import { world } from "../world.js";

const read = new Map(); // "person channel" → ts of the last message seen
let opened; // when this page was

const key = (me, channel) => me + " " + channel;

function readTo(me, channel) {
  opened ??= (world.hello.now / 1000).toFixed(6);
  return read.get(key(me, channel)) ?? opened;
}

// see marks a channel as read.
export function see(me, channel) {
  let last = readTo(me, channel);
  for (const m of world.messages.values()) if (m.channel === channel && m.ts > last) last = m.ts;
  read.set(key(me, channel), last);
}

// unread counts the new messages of each channel, and the mentions among them.
export function unread(me) {
  const counts = {};
  const names = [`<@${me}>`, ...world.groups.filter((g) => g.users.includes(me)).map((g) => `<!subteam^${g.id}>`)];
  for (const m of world.messages.values()) {
    if (m.user === me || m.ephemeral_to || m.deleted || m.ts <= readTo(me, m.channel)) continue;
    const text = JSON.stringify(m.blocks ?? "") + m.text;
    const mentioned = names.some((name) => text.includes(name));
    if (!mentioned && m.thread_ts && m.thread_ts !== m.ts) continue;
    const c = (counts[m.channel] ??= { fresh: 0, mentions: 0 });
    c.fresh++;
    if (mentioned) c.mentions++;
  }
  return counts;
}
