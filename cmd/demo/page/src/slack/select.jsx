// A field to choose from a list: one or several, of options that are known or
// that the app offers for what is typed.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon } from "./icon.jsx";
import { refusal } from "./words.js";

const pause = 150; // ms without a key before the app is asked

// Select shows the chosen options and asks find(text) for more. label is the id
// of its label, atLeast how much must be typed, most how many can be chosen.
export function Select({ id, label, describedby, invalid, placeholder, chosen, several, atLeast = 0, most = Infinity, find, onChange }) {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [found, setFound] = useState(null); // null: not asked yet
  const [failed, setFailed] = useState("");
  const [active, setActive] = useState(0);
  const root = useRef();
  const input = useRef();
  const list = useId();

  useEffect(() => {
    setFailed("");
    setFound(null);
    if (!open || text.length < atLeast) return;
    let over = false;
    const timer = setTimeout(
      async () => {
        try {
          const options = await find(text);
          if (over) return;
          setFound(options);
          setActive(0);
        } catch (error) {
          if (!over) setFailed(refusal(error));
        }
      },
      text ? pause : 0,
    );
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [text, open]);

  useEffect(() => {
    if (open) root.current.querySelector(".options")?.scrollIntoView({ block: "nearest" });
  }, [open, found]);
  useEffect(() => {
    document.getElementById(`${list}-${active}`)?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const isChosen = (o) => chosen.some((c) => c.value === o.value);

  function pick(o) {
    if (!several) onChange([o]);
    else if (isChosen(o)) onChange(chosen.filter((c) => c.value !== o.value));
    else if (chosen.length < most) onChange([...chosen, o]);
    setText("");
    if (!several) setOpen(false);
    input.current.focus();
  }

  function onKeyDown(e) {
    if (e.isComposing) return;
    const options = open ? (found ?? []) : [];
    switch (e.key) {
      case "ArrowDown":
      case "ArrowUp":
        setOpen(true);
        if (options.length) setActive((active + (e.key === "ArrowDown" ? 1 : options.length - 1)) % options.length);
        break;
      case "Enter":
        if (options[active]) pick(options[active]);
        break;
      case "Escape":
        if (!open) return;
        setOpen(false);
        break;
      case "Backspace":
        if (!text && chosen.length) onChange(chosen.slice(0, -1));
        return;
      default:
        return;
    }
    e.preventDefault();
  }

  return (
    <div class="select" ref={root} onFocusOut={(e) => !e.currentTarget.contains(e.relatedTarget) && setOpen(false)}>
      <div class="field" data-invalid={invalid} onMouseDown={(e) => e.target === e.currentTarget && (e.preventDefault(), input.current.focus())}>
        {several &&
          chosen.map((c) => (
            <span class="chip" key={c.value}>
              {c.text}
              <button type="button" aria-label={`Remove ${c.text}`} onClick={() => onChange(chosen.filter((x) => x !== c))}>
                <Icon of="close" size={12} />
              </button>
            </span>
          ))}
        <input
          ref={input}
          id={id}
          role="combobox"
          autocomplete="off"
          aria-labelledby={label}
          aria-describedby={describedby}
          aria-invalid={invalid}
          aria-expanded={open}
          aria-autocomplete="list"
          aria-controls={list}
          aria-activedescendant={open && found?.length ? `${list}-${active}` : undefined}
          placeholder={several && chosen.length ? "" : (!several && chosen[0]?.text) || placeholder}
          class={!several && chosen.length ? "has" : undefined}
          value={text}
          onClick={() => setOpen(true)}
          onInput={(e) => {
            setText(e.target.value);
            setOpen(true);
          }}
          onKeyDown={onKeyDown}
        />
        <Icon of="down" size={14} />
      </div>
      <div class="options" hidden={!open}>
        <None {...{ text, atLeast, failed, found }} />
        <div id={list} role="listbox" aria-multiselectable={several} aria-labelledby={label} hidden={!found?.length}>
          <Found {...{ found, active, list, isChosen, pick, setActive }} full={several && chosen.length >= most} />
        </div>
      </div>
    </div>
  );
}

// None says why there is nothing to choose.
function None({ text, atLeast, failed, found }) {
  if (failed) return <p role="alert">{failed}</p>;
  if (text.length < atLeast) return <p>Type {atLeast === 1 ? "something" : `at least ${atLeast} characters`} to search</p>;
  if (!found) return <p>Loading …</p>;
  if (found.length === 0) return <p role="status">No results</p>;
}

function Found({ found, active, list, isChosen, pick, setActive, full }) {
  return found?.map((o, i) => (
    <div
      key={o.value}
      id={`${list}-${i}`}
      role="option"
      aria-selected={isChosen(o)}
      aria-disabled={full && !isChosen(o)}
      class={i === active ? "active" : undefined}
      onMouseDown={(e) => e.preventDefault()}
      onMouseMove={() => setActive(i)}
      onClick={() => pick(o)}
    >
      <span class="tick" aria-hidden="true">
        {isChosen(o) ? "✓" : ""}
      </span>
      <span>
        {o.text}
        {o.description && <small>{o.description}</small>}
      </span>
    </div>
  ));
}
