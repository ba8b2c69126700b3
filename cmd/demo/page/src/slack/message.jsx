// One message. It is drawn again only if something about it has changed.

import { memo } from "preact/compat";
import { useErrorBoundary } from "preact/hooks";
import { sit } from "../seat.js";
import { act } from "../world.js";
import { Avatar } from "./avatar.jsx";
import { Blocks, Text, Unknown } from "./blocks.jsx";
import { clock, msOf, whenOf } from "./dates.js";
import { FileCard } from "./file.jsx";
import { Icon } from "./icon.jsx";
import { me, nameOf, personOf } from "./people.js";

export const Message = memo(({ m, follows, inThread, count, last, users }) => {
  const [broken] = useErrorBoundary(); // one that cannot be drawn leaves the others alone
  if (broken) return <Unknown type="message" />;
  if (m.deleted) return <Tombstone m={m} inThread={inThread} thread={<Summary m={m} count={count} last={last} users={users} />} />;
  const press = (element) => act("slack/sim/click", { user: me(), channel: m.channel, ts: m.ts, action_id: element.action_id });
  const at = msOf(m.ts);
  return (
    <article class={follows ? "message follows" : "message"} data-ts={m.ts} data-private={m.ephemeral_to ? "" : undefined} aria-label={`${nameOf(m.user)}, ${whenOf(at)}`}>
      {m.ephemeral_to && (
        <p class="only">
          <Icon of="eye" size={16} /> Only visible to you
        </p>
      )}
      {m.broadcast && !inThread && (
        <p class="only">
          <button class="link" onClick={() => sit({ thread: m.thread_ts })}>
            replied to a thread
          </button>
        </p>
      )}
      {follows ? <Time at={at} words={clock(at)} /> : <Avatar user={m.user} />}
      <div class="body">
        {!follows && (
          <header>
            <strong>{nameOf(m.user)}</strong>
            {personOf(m.user)?.bot && m.user !== "slackbot" && <span class="app">APP</span>}
            <Time at={at} words={inThread ? capital(whenOf(at)) : clock(at)} />
          </header>
        )}
        {m.blocks?.length ? (
          <Blocks blocks={m.blocks} press={press} />
        ) : (
          <div class="block" dir="auto">
            <Text text={m.text} />
          </div>
        )}
        {m.edited > 0 && <small class="edited">(edited)</small>}
        {m.files?.map((id) => (
          <FileCard key={id} id={id} />
        ))}
        {!inThread && <Summary m={m} count={count} last={last} users={users} />}
      </div>
      {!inThread && !m.ephemeral_to && !m.broadcast && (
        <div class="tools">
          <button aria-label="Reply in thread" title="Reply in thread" onClick={() => sit({ thread: m.ts })}>
            <Icon of="reply" />
          </button>
        </div>
      )}
    </article>
  );
});

const capital = (words) => words[0].toUpperCase() + words.slice(1);

const Time = ({ at, words }) => (
  <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString("en-US", { dateStyle: "long", timeStyle: "medium" })}>
    {words}
  </time>
);

// Summary leads to the replies.
function Summary({ m, count, last, users }) {
  if (!count) return null;
  return (
    <button class="summary" onClick={() => sit({ thread: m.ts })}>
      {users.split(" ").map((u) => (
        <Avatar key={u} user={u} size={24} />
      ))}
      <strong>{count === 1 ? "1 reply" : `${count} replies`}</strong>
      <small>Last reply {whenOf(msOf(last))}</small>
    </button>
  );
}

function Tombstone({ m, inThread, thread }) {
  return (
    <article class="message" data-ts={m.ts}>
      <span class="gone" aria-hidden="true">
        <Icon of="close" />
      </span>
      <div class="body">
        <p class="only">This message was deleted.</p>
        {!inThread && thread}
      </div>
    </article>
  );
}
