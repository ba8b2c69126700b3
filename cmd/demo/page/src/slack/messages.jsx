// A list of messages: the days, who follows whom, and how it scrolls.

import { Fragment } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useSeat } from "../seat.js";
import { dayOf, msOf, sameDay } from "./dates.js";
import { Icon } from "./icon.jsx";
import { Message } from "./message.jsx";
import { me } from "./people.js";

const together = 5 * 60_000; // messages of one author within this stand under one name

// follows tells if a message stands under the name of the one before it.
function follows(m, before) {
  return Boolean(before) && !m.ephemeral_to && !before.ephemeral_to && !m.broadcast && !before.deleted && !m.deleted && before.user === m.user && msOf(m.ts) - msOf(before.ts) < together;
}

const keyOf = (m) => m.ts + (m.ephemeral_to ?? "");

// byDay divides messages into days: {at, messages}.
function byDay(list) {
  const days = [];
  for (const m of list) {
    const at = msOf(m.ts);
    if (days.length && sameDay(days.at(-1).at, at)) days.at(-1).messages.push(m);
    else days.push({ at, messages: [m] });
  }
  return days;
}

let brought = 0; // the last seat.spot that was brought into view

// Messages draws list; threads (of a channel) are what stands under each message,
// afterFirst (of a thread) is what stands between the first one and the replies,
// end is a ref that gets the function that scrolls to the end.
export function Messages({ label, list, threads, intro, afterFirst, end }) {
  const { spot } = useSeat();
  const scroller = useRef();
  const content = useRef();
  const atEnd = useRef(true);
  const [below, setBelow] = useState(false); // there is something new further down
  const last = list.at(-1);

  function toEnd() {
    if (!scroller.current) return; // the answer came when somebody had left
    scroller.current.scrollTop = scroller.current.scrollHeight;
    atEnd.current = true;
    setBelow(false);
  }
  end.current = toEnd;

  const known = useRef(last?.ts);
  useLayoutEffect(() => {
    if (last?.ts === known.current) return;
    known.current = last?.ts;
    if (atEnd.current || last?.user === me()) toEnd();
    else setBelow(true);
  }, [last?.ts]);

  // What stands at the end stays there when anything grows.
  useLayoutEffect(() => {
    toEnd();
    const watcher = new ResizeObserver(() => atEnd.current && toEnd());
    watcher.observe(content.current);
    watcher.observe(scroller.current);
    return () => watcher.disconnect();
  }, []);

  useEffect(() => {
    if (!spot || spot.n <= brought) return;
    const message = content.current.querySelector(`[data-ts="${spot.ts}"]`);
    if (!message) return;
    brought = spot.n;
    atEnd.current = false;
    message.scrollIntoView({ block: "center" });
    message.classList.add("spot");
    setTimeout(() => message.classList.remove("spot"), 2500);
  });

  function onScroll({ currentTarget: s }) {
    atEnd.current = s.scrollHeight - s.scrollTop - s.clientHeight < 30;
    if (atEnd.current) setBelow(false);
  }

  return (
    <div class="messages">
      <div class="scroller" ref={scroller} onScroll={onScroll} tabIndex={0} role="log" aria-label={label} aria-relevant="additions">
        <div ref={content}>
          {intro}
          {threads
            ? byDay(list).map(({ at, messages }) => (
                <section key={messages[0].ts}>
                  <hr class="dayline" />
                  <h3 class="day">
                    <span>{dayOf(at)}</span>
                  </h3>
                  {messages.map((m, i) => {
                    const { count, last, users } = threads.get(m.ts) ?? {};
                    return <Message key={keyOf(m)} m={m} follows={follows(m, messages[i - 1])} count={count} last={last} users={users?.slice(0, 4).join(" ")} />;
                  })}
                </section>
              ))
            : list.map((m, i) => (
                <Fragment key={keyOf(m)}>
                  {i === 1 && afterFirst}
                  <Message m={m} inThread follows={i > 1 && follows(m, list[i - 1])} />
                </Fragment>
              ))}
        </div>
      </div>
      {below && (
        <button class="below" onClick={toEnd}>
          New messages <Icon of="down" size={14} />
        </button>
      )}
    </div>
  );
}
