// The app's own place: its Home, and what it has said directly.

import { useEffect, useState } from "preact/hooks";
import { act, useWorld } from "../world.js";
import { Avatar } from "./avatar.jsx";
import { Blocks, Trouble } from "./blocks.jsx";
import { Message } from "./message.jsx";
import { channelOf, me, theApp } from "./people.js";
import { refusal, silence } from "./words.js";

const tabs = ["Home", "Messages"];

export function Home() {
  const { homes } = useWorld("home", "people");
  const [tab, setTab] = useState("Home");
  const [trouble, setTrouble] = useState("");
  const mine = me();
  const app = theApp();
  const view = homes[mine];

  useEffect(() => {
    let left = false;
    const tell = (words) => !left && setTrouble(words);
    tell("");
    act("slack/sim/home", { user: mine }).then(
      (answer) => tell(silence(answer)),
      (error) => tell(refusal(error)),
    );
    return () => {
      left = true;
    };
  }, [mine]);

  const press = (element) => act("slack/sim/clickview", { user: mine, view_id: view.id, action_id: element.action_id, value: element.value ?? "" });

  function onKeyDown(e) {
    if (e.key !== "ArrowRight" && e.key !== "ArrowLeft") return;
    setTab(tabs.find((t) => t !== tab));
    e.currentTarget.querySelector("[aria-selected=false]").focus();
  }

  return (
    <div class="place">
      <section class="channel home" aria-label={app?.name}>
        <header class="bar">
          <h2>
            {app && <Avatar user={app.id} size={24} />} {app?.name} <span class="app">APP</span>
          </h2>
        </header>
        <div class="tabs" role="tablist" onKeyDown={onKeyDown}>
          {tabs.map((t) => (
            <button key={t} role="tab" id={`tab-${t}`} aria-selected={t === tab} tabIndex={t === tab ? 0 : -1} aria-controls="home-panel" onClick={() => setTab(t)}>
              {t}
            </button>
          ))}
        </div>
        <div class="scroller" role="tabpanel" id="home-panel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
          {tab === "Messages" ? (
            <Direct />
          ) : (
            <div class="sheet">
              <Trouble words={trouble} />
              {view && <Blocks key={mine} blocks={view.raw.blocks} press={press} />}
              {!view && !trouble && <p class="quiet">Loading …</p>}
            </div>
          )}
        </div>
      </section>
    </div>
  );
}

// Direct is what the app has told me outside of any channel.
function Direct() {
  const { messages } = useWorld("message");
  const mine = [...messages.values()].filter((m) => m.ephemeral_to === me() && !m.deleted && !channelOf(m.channel));
  return (
    <>
      {mine.map((m) => (
        <Message key={m.ts} m={m} inThread />
      ))}
      <p class="quiet">Sending messages to this app has been turned off.</p>
    </>
  );
}
