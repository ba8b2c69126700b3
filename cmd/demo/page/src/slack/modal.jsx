// The modal on top of the client.

import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { act } from "../world.js";
import { Blocks, Trouble } from "./blocks.jsx";
import { Icon } from "./icon.jsx";
import { fault, initial, Input, submitted } from "./inputs.jsx";
import { me } from "./people.js";
import { useTrap } from "./trap.js";
import { refusal } from "./words.js";

// What was filled in outlives changes of the view, and looking away as somebody else.
const filled = new Map(); // "view block action" → value

const entry = (view, { block_id, element }) => [view.id, block_id, element.action_id].join(" ");
const valueOf = (view, block) => filled.get(entry(view, block)) ?? initial(block.element);

export function Modal({ view, asking }) {
  const [, again] = useReducer((n) => n + 1, 0);
  const [errors, setErrors] = useState({});
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const box = useRef();
  const { title, blocks, close, submit } = view.raw;
  const inputs = blocks.filter((b) => b.type === "input");

  useTrap(box, () => leave(), ".content :is(input, textarea, select)");
  useEffect(() => setErrors(view.errors ?? {}), [view]);
  useEffect(() => {
    if (!asking && !box.current.contains(document.activeElement)) box.current.focus();
  }, [view, asking]);

  // during shows that Slack waits for the app, and says so if it does not answer.
  async function during(something) {
    setBusy(true);
    setTrouble("");
    try {
      await something();
    } catch (error) {
      setTrouble(refusal(error));
    }
    setBusy(false);
  }

  // The X leaves the modal; the close button leads back to the view below.
  const leave = () => during(() => act("slack/sim/closemodal", { user: me() }));
  const back = () => during(() => act("slack/sim/closeview", { user: me(), view_id: view.id }));

  function send(e) {
    e.preventDefault();
    if (busy) return;
    const faults = Object.fromEntries(inputs.map((b) => [b.block_id, fault(b, valueOf(view, b))]).filter(([, f]) => f));
    setErrors(faults);
    if (Object.keys(faults).length) return;
    const values = {};
    for (const b of inputs) {
      const value = submitted(b.element, valueOf(view, b));
      if (value !== undefined) values[b.block_id] = { [b.element.action_id]: value };
    }
    return during(async () => {
      const answer = await act("slack/sim/submit", { user: me(), view_id: view.id, values });
      if (!answer.acked) setTrouble("We had some trouble connecting. Try again?");
    });
  }

  function change(block, value) {
    filled.set(entry(view, block), value);
    const { [block.block_id]: _, ...rest } = errors;
    setErrors(rest);
    again();
    // A choice is sent to the app at once where the block asks for that.
    if (block.dispatch_action && Array.isArray(value) && value[0]) {
      press({ action_id: block.element.action_id, value: value[0].value }).catch((error) => setTrouble(refusal(error)));
    }
  }

  const press = (element) => act("slack/sim/clickview", { user: me(), view_id: view.id, action_id: element.action_id, value: element.value ?? "" });

  return (
    <div class="shade" inert={asking}>
      <div class="modal" role="dialog" aria-modal="true" aria-labelledby="modal-title" ref={box} tabIndex={-1}>
        <form noValidate onSubmit={send}>
          <header>
            <h2 id="modal-title">{title.text}</h2>
            <button type="button" class="square" aria-label="Close" onClick={leave}>
              <Icon of="close" />
            </button>
          </header>
          <div class="content">
            {blocks.map((b, i) =>
              b.type === "input" ? (
                <Input key={b.block_id} block={b} view={view} value={valueOf(view, b)} error={errors[b.block_id]} onChange={(v) => change(b, v)} />
              ) : (
                <Blocks key={b.block_id ?? i} blocks={[b]} press={press} />
              ),
            )}
          </div>
          <footer>
            <Trouble words={trouble} />
            {close && (
              <button type="button" class="plain" onClick={back}>
                {close.text}
              </button>
            )}
            {submit && (
              <button type="submit" class="primary" aria-busy={busy}>
                {submit.text}
              </button>
            )}
          </footer>
        </form>
      </div>
    </div>
  );
}
