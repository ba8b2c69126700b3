// Where messages and commands are written.

import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { seat, sit, useSeat } from "../seat.js";
import { act, world } from "../world.js";
import { Avatar } from "./avatar.jsx";
import { Trouble } from "./blocks.jsx";
import { completions, usage, written } from "./completion.js";
import { Icon } from "./icon.jsx";
import { Menu } from "./menu.jsx";
import { me, theApp } from "./people.js";
import { complain } from "./slackbot.js";
import { refusal, silence } from "./words.js";

const drafts = new Map(); // what was typed and not sent, by person and place
const sent = new Map(); // person → what they sent last
let entered = seat.thread; // the thread whose composer has had the focus
let taken = 0; // the last seat.draft that was put into a composer

export function Composer({ channel, thread, label, placeholder = label, onSend }) {
  const { draft } = useSeat();
  const draftKey = [me(), channel, thread].join(" ");
  const [text, setText] = useState(drafts.get(draftKey) ?? "");
  const [offer, setOffer] = useState({ from: 0, offers: [] });
  const [active, setActive] = useState(0);
  const [trouble, setTrouble] = useState("");
  const area = useRef();
  const list = useId();
  const { offers } = offer;

  function write(value, caret = value.length) {
    drafts.set(draftKey, value);
    setText(value);
    setOffer(completions(value, caret));
    setActive(0);
  }

  useLayoutEffect(() => {
    area.current.style.height = "auto";
    area.current.style.height = area.current.scrollHeight + "px";
  }, [text]);

  useEffect(() => {
    if (thread || !draft || draft.n === taken) return;
    taken = draft.n;
    write(draft.text);
    setOffer({ from: 0, offers: [] });
    // On a narrow screen a thread covers this composer.
    if (area.current.offsetParent === null) sit({ thread: null });
    requestAnimationFrame(() => area.current?.focus());
  }, [draft?.n]);

  // Not where that brings up a keyboard on the screen.
  useEffect(() => {
    if (!thread) return;
    if (thread !== entered && matchMedia("(pointer: fine)").matches) area.current.focus();
    entered = thread;
    return () => {
      if (seat.thread !== thread) entered = null;
    };
  }, []);

  function complete(o) {
    const value = text.slice(0, offer.from) + o.insert;
    const rest = text.slice(area.current.selectionStart).trimStart();
    // At once, so that the next key already finds the caret where it belongs.
    area.current.value = value + rest;
    area.current.setSelectionRange(value.length, value.length);
    area.current.focus();
    write(value + rest, value.length);
    setOffer({ from: 0, offers: [] });
  }

  async function send() {
    const words = text.trim();
    if (!words) return;
    write("");
    setTrouble("");
    sent.set(me(), words);
    area.current.focus();
    onSend();
    const [command] = words.split(/\s/);
    if (command.startsWith("/") && thread) return complain(channel, thread, `\`${command}\` is not supported in threads. Sorry!`);
    if (command.startsWith("/") && command !== world.hello.command) {
      return complain(channel, thread, `\`${command}\` is not a valid command. In Slack, all messages that start with the "/" character are interpreted as commands.\n\nIf you are trying to send a message and not run a command, try preceding the "/" with an empty space.`);
    }
    try {
      if (command.startsWith("/")) await act("slack/sim/command", { user: me(), channel, text: words });
      else await act("slack/sim/say", { user: me(), channel, text: written(words), ...(thread && { thread_ts: thread }) });
    } catch (error) {
      setTrouble(refusal(error));
      if (!drafts.get(draftKey)) write(words);
    }
  }

  async function openForm() {
    setTrouble("");
    try {
      setTrouble(silence(await act("slack/sim/shortcut", { user: me(), callback_id: "ecs_stop_form" })));
    } catch (error) {
      setTrouble(refusal(error));
    }
  }

  function onKeyDown(e) {
    if (e.isComposing) return;
    const done = () => e.preventDefault();
    if (offers.length) {
      switch (e.key) {
        case "ArrowDown":
          setActive((active + 1) % offers.length);
          return done();
        case "ArrowUp":
          setActive((active + offers.length - 1) % offers.length);
          return done();
        case "Tab":
        case "Enter":
          complete(offers[active]);
          return done();
        case "Escape":
          setOffer({ from: 0, offers: [] });
          return done();
      }
    }
    if (e.key === "Enter" && !e.shiftKey) {
      send();
      done();
    }
    if (e.key === "ArrowUp" && !text && sent.has(me())) {
      write(sent.get(me()));
      setOffer({ from: 0, offers: [] });
      done();
    }
  }

  const app = theApp();
  return (
    <div class="compose">
      <Trouble words={trouble} />
      <form
        class="composer"
        onSubmit={(e) => {
          e.preventDefault();
          send();
        }}
      >
        {offers.length > 0 && (
          <ul class="offers" role="listbox" id={list} aria-label="Suggestions">
            {offers.map((o, i) => (
              <li key={o.name} id={`${list}-${i}`} role="option" aria-selected={i === active} onMouseDown={(e) => e.preventDefault()} onClick={() => complete(o)} onMouseMove={() => setActive(i)}>
                {o.user ? <Avatar user={o.user} size={24} /> : o.name.startsWith("#") ? <Icon of="hash" /> : app && <Avatar user={app.id} size={24} />}
                <strong>{o.name}</strong>
                <span>{o.hint}</span>
                {o.name.startsWith("/") && <small>{app?.name}</small>}
              </li>
            ))}
          </ul>
        )}
        {offers.length === 0 && text.split(/\s/)[0] === world.hello.command && (
          <p class="usage">
            <strong>{world.hello.command}</strong> {usage}
          </p>
        )}
        <textarea
          ref={area}
          rows={1}
          value={text}
          aria-label={label}
          placeholder={placeholder}
          aria-autocomplete="list"
          aria-controls={offers.length ? list : undefined}
          aria-activedescendant={offers.length ? `${list}-${active}` : undefined}
          onInput={(e) => write(e.target.value, e.target.selectionStart)}
          onKeyDown={onKeyDown}
          onBlur={() => setOffer({ from: 0, offers: [] })}
        />
        <div class="actions">
          <Menu
            class="shortcuts"
            label="Shortcuts"
            face={<Icon of="plus" />}
            items={[
              {
                key: "form",
                pick: openForm,
                face: (
                  <>
                    <Icon of="bolt" />
                    <span class="who">
                      <strong>Stop servers</strong>
                      <em>{app?.name}: ask for servers to be stopped, by a form</em>
                    </span>
                  </>
                ),
              },
            ]}
          />
          <span class="hint">
            <kbd>Shift + Enter</kbd> adds a new line
          </span>
          <button class="send" aria-label="Send" title="Send" disabled={!text.trim()}>
            <Icon of="send" />
          </button>
        </div>
      </form>
    </div>
  );
}
