// How the library is told to draw mentions, links and dates. It keeps the hooks
// that it was given first, so these look up names when they are called.

import { goTo, sit } from "../seat.js";
import { dated } from "./dates.js";
import { channelOf, groupOf, me, nameOf } from "./people.js";

export const hooks = {
  user: ({ id }) => <span class={id === me() ? "mention mine" : "mention"}>@{nameOf(id)}</span>,
  usergroup: ({ id }) => <span class={groupOf(id)?.users.includes(me()) ? "mention mine" : "mention"}>@{groupOf(id)?.handle ?? id}</span>,
  channel: ({ id }) => {
    const c = channelOf(id);
    if (!c) return <span class="mention">#{id}</span>;
    return (
      <a class="mention" href={"#" + c.name} onClick={(e) => follow(e, () => sit({ place: id, thread: null }))}>
        #{c.name}
      </a>
    );
  },
  atHere: () => <span class="mention mine">@here</span>,
  atChannel: () => <span class="mention mine">@channel</span>,
  atEveryone: () => <span class="mention mine">@everyone</span>,
  link: ({ href, children }) => {
    const to = permalink(href);
    if (to && channelOf(to.channel)) {
      return (
        <a href={href} onClick={(e) => follow(e, () => goTo(to.channel, to.ts, to.thread))}>
          {children}
        </a>
      );
    }
    return (
      <a href={href} target="_blank" rel="noopener noreferrer">
        {children}
      </a>
    );
  },
  emoji: (data, parse) => {
    const drawn = parse(data);
    return drawn === data.name ? `:${data.name}:` : drawn; // 10:30:45 is a time
  },
  date: ({ timestamp, format }) => (
    <time dateTime={new Date(timestamp * 1000).toISOString()} title={dated(timestamp, "{date_long} {time_secs}")}>
      {dated(timestamp, format)}
    </time>
  ),
};

function follow(e, go) {
  e.preventDefault();
  go();
}

// permalink reads the address of a message: …/archives/C1/p1700000000000100.
function permalink(href) {
  const m = /^https:\/\/[\w-]+\.slack\.com\/archives\/(\w+)\/p(\d+)(\d{6})(?:\?(.*))?$/.exec(href);
  return m && { channel: m[1], ts: `${m[2]}.${m[3]}`, thread: new URLSearchParams(m[4]).get("thread_ts") };
}
