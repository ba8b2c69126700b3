// A log that stays at its end, unless somebody scrolled away from it.

import { useLayoutEffect, useRef, useState } from "preact/hooks";

export function Scroll({ label, newest, empty, children }) {
  const box = useRef();
  const [away, setAway] = useState(false);
  const toEnd = () => (box.current.scrollTop = box.current.scrollHeight);
  useLayoutEffect(() => {
    if (!away) toEnd();
  }, [newest, children.length]);
  const scrolled = ({ currentTarget: e }) => setAway(e.scrollHeight - e.scrollTop - e.clientHeight > 24);
  // A log that is read aloud line by line would never end: live is off.
  return (
    <div class="scroll">
      <div class="rows" role="log" aria-label={label} aria-live="off" tabIndex={0} ref={box} onScroll={scrolled}>
        {children.length > 0 ? children : <p class="empty">{empty}</p>}
      </div>
      {away && (
        <button class="newest" onClick={toEnd}>
          ↓ Newest
        </button>
      )}
    </div>
  );
}
