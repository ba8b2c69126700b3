// A log with its newest line on top. Who has scrolled down stays where they are: the
// browser holds what they look at in its place.

import { useRef, useState } from "preact/hooks";

export function Scroll({ label, empty, children }) {
  const box = useRef();
  const [away, setAway] = useState(false);
  // A log that is read aloud line by line would never end: live is off.
  return (
    <div class="scroll">
      <div class="rows" role="log" aria-label={label} aria-live="off" tabIndex={0} ref={box} onScroll={(e) => setAway(e.currentTarget.scrollTop > 24)}>
        {children.length > 0 ? children : <p class="empty">{empty}</p>}
      </div>
      {away && (
        <button class="newest" onClick={() => (box.current.scrollTop = 0)}>
          ↑ Newest
        </button>
      )}
    </div>
  );
}
