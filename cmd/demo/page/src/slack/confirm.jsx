// The dialog that asks before a button does what it says.

import { useRef } from "preact/hooks";
import { useTrap } from "./trap.js";

export function Confirm({ confirm, answer }) {
  const box = useRef();
  useTrap(box, () => answer(false));
  return (
    <div class="shade" onMouseDown={(e) => e.target === e.currentTarget && answer(false)}>
      <div class="confirm" role="alertdialog" aria-modal="true" aria-labelledby="confirm-title" aria-describedby="confirm-text" ref={box} tabIndex={-1}>
        <h2 id="confirm-title">{confirm.title.text}</h2>
        <p id="confirm-text">{confirm.text.text}</p>
        <div class="answers">
          <button class="plain" onClick={() => answer(false)}>
            {confirm.deny.text}
          </button>
          <button class={confirm.style === "danger" ? "danger" : "primary"} onClick={() => answer(true)}>
            {confirm.confirm.text}
          </button>
        </div>
      </div>
    </div>
  );
}
