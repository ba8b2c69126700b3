// The pane of a thread.

import { useLayoutEffect, useRef } from "preact/hooks";
import { sit } from "../seat.js";
import { Foot } from "./channel.jsx";
import { Composer } from "./composer.jsx";
import { Icon } from "./icon.jsx";
import { Messages } from "./messages.jsx";
import { channelOf } from "./people.js";

export function Thread({ first, replies, count }) {
  const pane = useRef();
  const end = useRef();
  const close = () => sit({ thread: null });

  // Who closes the thread from within goes back to where it was opened, unless
  // they are elsewhere by then.
  useLayoutEffect(() => {
    const opener = document.activeElement;
    return () => pane.current.contains(document.activeElement) && setTimeout(() => document.activeElement === document.body && opener.focus());
  }, []);

  return (
    <aside class="thread" aria-label="Thread" ref={pane} onKeyDown={(e) => e.key === "Escape" && !e.defaultPrevented && close()}>
      <header class="bar">
        <button class="square back" aria-label="Back to the channel" onClick={close}>
          <Icon of="back" />
        </button>
        <h2>
          Thread <small># {channelOf(first.channel).name}</small>
        </h2>
        <button class="square" aria-label="Close thread" onClick={close}>
          <Icon of="close" />
        </button>
      </header>
      <Messages
        label="Messages in the thread"
        end={end}
        list={[first, ...replies]}
        afterFirst={
          count > 0 && (
            <p class="replies">
              <span>{count === 1 ? "1 reply" : `${count} replies`}</span>
            </p>
          )
        }
      />
      <Foot id={first.channel}>
        <Composer channel={first.channel} thread={first.ts} label="Reply in thread" placeholder="Reply…" onSend={() => end.current()} />
      </Foot>
    </aside>
  );
}
