// A channel's messages as one person sees them.

import { world } from "../world.js";

const isReply = (m) => Boolean(m.thread_ts) && m.thread_ts !== m.ts;
const byTime = (a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0);

// conversation returns the messages that stand in the channel, and its threads:
// ts of the first message → {replies, count, last, users}.
export function conversation(channel, me, complaints) {
  const roots = [];
  const threads = new Map();
  for (const m of [...world.messages.values(), ...complaints]) {
    if (m.channel !== channel || (m.ephemeral_to && m.ephemeral_to !== me)) continue;
    if (!isReply(m) || m.broadcast) roots.push(m);
    if (!isReply(m) || m.deleted) continue;
    const t = threads.get(m.thread_ts) ?? { replies: [], count: 0, last: "", users: [] };
    threads.set(m.thread_ts, t);
    t.replies.push(m);
    if (m.ephemeral_to) continue;
    t.count++;
    if (m.ts > t.last) t.last = m.ts;
    if (!t.users.includes(m.user)) t.users.push(m.user);
  }
  for (const t of threads.values()) t.replies.sort(byTime);
  // Of a deleted message a note stays if it has replies.
  return { roots: roots.filter((m) => !m.deleted || threads.has(m.ts)).sort(byTime), threads };
}
