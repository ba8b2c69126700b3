// A channel, and the thread beside it.

import { useEffect, useRef } from "preact/hooks";
import { useSeat } from "../seat.js";
import { useWorld } from "../world.js";
import { Composer } from "./composer.jsx";
import { conversation } from "./conversation.js";
import { Icon } from "./icon.jsx";
import { Messages } from "./messages.jsx";
import { channelOf, isMember, me, nameOf } from "./people.js";
import { useComplaints } from "./slackbot.js";
import { Thread } from "./thread.jsx";
import { see } from "./unread.js";

export function Channel({ id }) {
  useWorld("message", "people");
  const { thread } = useSeat();
  const complaints = useComplaints();
  const { roots, threads } = conversation(id, me(), complaints);
  const { name, members } = channelOf(id);
  const first = thread && roots.find((m) => m.ts === thread);
  const end = useRef();
  useEffect(() => see(me(), id));
  return (
    <div class="place" data-thread={Boolean(first)}>
      <section class="channel" aria-label={"#" + name}>
        <header class="bar">
          <h2>
            <Icon of="hash" /> {name}
          </h2>
          <span class="members" title={members.map(nameOf).join(", ")}>
            <Icon of="people" /> {members.length}
            <span class="unseen"> members</span>
          </span>
        </header>
        <Messages
          label={`Messages in #${name}`}
          list={roots}
          threads={threads}
          end={end}
          intro={
            <div class="intro">
              <h3># {name}</h3>
              <p>
                This is the very beginning of the <strong>#{name}</strong> channel.
              </p>
            </div>
          }
        />
        <Foot id={id}>
          <Composer channel={id} label={`Message #${name}`} onSend={() => end.current()} />
        </Foot>
      </section>
      {first && <Thread key={first.ts} first={first} replies={threads.get(first.ts)?.replies ?? []} count={threads.get(first.ts)?.count ?? 0} />}
    </div>
  );
}

// Foot is the composer, or a word to those who may not write.
export function Foot({ id, children }) {
  if (isMember(me(), id)) return children;
  return (
    <p class="outsider" role="note">
      <strong>
        {nameOf(me())} is not a member of #{channelOf(id).name}.
      </strong>{" "}
      Only members can write here, and this person cannot join.
    </p>
  );
}
