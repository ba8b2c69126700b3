// Toasts: what happened after something was pressed, told for a few seconds.

import { useAgain } from "../again.js";
import { act } from "../world.js";

const shown = 5000; // ms
const listeners = new Set();
let toasts = []; // {n, text, bad}
let last = 0;

function change(next) {
  toasts = next;
  for (const l of listeners) l();
}

const drop = (n) => change(toasts.filter((t) => t.n !== n));

// say shows a toast.
export function say(text, bad = false) {
  const n = ++last;
  change([...toasts.slice(-3), { n, text, bad }]);
  setTimeout(() => drop(n), shown);
}

// press does something to the world and tells what came of it. It returns
// whether it was done.
export async function press(path, body, said) {
  try {
    const answer = await act(path, body);
    const text = answer.text || said;
    if (text) say(text);
    return true;
  } catch (e) {
    say(e.message, true);
    return false;
  }
}

export function Toasts() {
  useAgain(listeners);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map((t) => (
        <p key={t.n} class={t.bad ? "toast bad" : "toast"}>
          <span aria-hidden="true">{t.bad ? "✕" : "✓"}</span>
          <span>{t.text}</span>
          <button class="plain" onClick={() => drop(t.n)} aria-label="Dismiss">
            ×
          </button>
        </p>
      ))}
    </div>
  );
}
