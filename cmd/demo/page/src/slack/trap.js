// A dialog keeps the keyboard's focus while it is open, and gives it back.

import { useLayoutEffect, useRef } from "preact/hooks";

let open = 0; // dialogs
let opener = null; // what had the focus before the first of them

const reachable = "button, input, textarea, select, a[href], [tabindex='0']";

export function useTrap(box, onEscape, first = reachable) {
  const escape = useRef();
  escape.current = onEscape;
  useLayoutEffect(() => {
    if (open++ === 0) opener = document.activeElement;
    const within = box.current;
    (within.querySelector(first) ?? within.querySelector(reachable) ?? within).focus();
    function onKeyDown(e) {
      if (e.key === "Escape" && !e.defaultPrevented) {
        e.preventDefault();
        escape.current();
      }
      if (e.key !== "Tab") return;
      const all = [...within.querySelectorAll(reachable)].filter((x) => !x.disabled && x.tabIndex >= 0 && x.checkVisibility());
      const end = e.shiftKey ? all[0] : all.at(-1);
      if (!all.length || document.activeElement === end || document.activeElement === within) {
        e.preventDefault();
        (e.shiftKey ? all.at(-1) : all[0])?.focus();
      }
    }
    within.addEventListener("keydown", onKeyDown);
    return () => {
      within.removeEventListener("keydown", onKeyDown);
      // Later, when the next dialog stands, or the rest can be focused again; not
      // if the person is elsewhere on the page by then.
      setTimeout(() => --open === 0 && document.activeElement === document.body && opener?.focus());
    };
  }, []);
}
