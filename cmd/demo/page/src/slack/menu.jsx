// A button with a menu: arrow keys move, Escape closes.

import { useEffect, useRef, useState } from "preact/hooks";

// items are {key, checked, face, pick}; with checked set or unset they
// are a choice of one.
export function Menu({ class: style, label, face, items }) {
  const [open, setOpen] = useState(false);
  const root = useRef();
  const all = () => [...root.current.querySelectorAll("[role^=menuitem]")];

  useEffect(() => {
    if (open) (all().find((x) => x.ariaChecked === "true") ?? all()[0])?.focus();
  }, [open]);

  function close() {
    setOpen(false);
    root.current.querySelector("button").focus();
  }

  function onKeyDown(e) {
    if (!open) {
      if (e.key === "ArrowDown") {
        e.preventDefault();
        setOpen(true);
      }
      return;
    }
    const list = all();
    const at = list.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.length - 1 }[e.key];
    if (to !== undefined) {
      e.preventDefault();
      list[(to + list.length) % list.length].focus();
    }
    if (e.key === "Escape") {
      e.preventDefault();
      close();
    }
  }

  return (
    <div class={"menu " + style} ref={root} onKeyDown={onKeyDown} onFocusOut={(e) => !e.currentTarget.contains(e.relatedTarget) && setOpen(false)}>
      <button type="button" aria-label={label} title={label} aria-haspopup="menu" aria-expanded={open} onClick={() => setOpen(!open)}>
        {face}
      </button>
      {open && (
        <div class="items" role="menu" aria-label={label}>
          {items.map((i) => (
            <button
              key={i.key}
              type="button"
              role={i.checked === undefined ? "menuitem" : "menuitemradio"}
              aria-checked={i.checked}
              tabIndex={-1}
              onClick={() => {
                close();
                i.pick();
              }}
            >
              {i.face}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
