// The sidebar: channels and apps.

import { sit } from "../seat.js";
import { useWorld } from "../world.js";
import { Avatar } from "./avatar.jsx";
import { Icon } from "./icon.jsx";
import { isMember, me, place, theApp } from "./people.js";
import { unread } from "./unread.js";

export function Sidebar({ onGo }) {
  const { channels } = useWorld("people", "message");
  const counts = unread(me());
  const here = place();
  const app = theApp();
  const go = (to) => {
    sit({ place: to, thread: null });
    onGo();
  };
  return (
    <nav class="sidebar" id="slack-sidebar" aria-label="Channels and apps">
      <h2>Channels</h2>
      {channels.filter((c) => c.name).map((c) => { // a direct conversation with the app has none
        const { fresh, mentions } = c.id === here ? {} : (counts[c.id] ?? {});
        return (
          <button key={c.id} aria-current={c.id === here ? "page" : undefined} class={fresh ? "fresh" : isMember(me(), c.id) ? "" : "outside"} onClick={() => go(c.id)}>
            <Icon of="hash" size={16} />
            <span class="name">{c.name}</span>
            {mentions > 0 && (
              <span class="badge">
                {mentions}
                <span class="unseen"> {mentions === 1 ? "mention" : "mentions"}</span>
              </span>
            )}
            {fresh > 0 && !mentions && <span class="unseen"> unread</span>}
          </button>
        );
      })}
      <h2>Apps</h2>
      {app && (
        <button aria-current={here === "home" ? "page" : undefined} onClick={() => go("home")}>
          <Avatar user={app.id} size={20} />
          <span class="name">{app.name}</span>
        </button>
      )}
    </nav>
  );
}

// DrawerButton opens the sidebar on a narrow screen; a dot says that something
// there is unread.
export function DrawerButton({ open, onClick }) {
  useWorld("people", "message");
  const here = place();
  const waiting = Object.keys(unread(me())).some((c) => c !== here);
  return (
    <button class="square drawer" aria-label={waiting ? "Channels and apps, unread messages" : "Channels and apps"} aria-expanded={open} aria-controls="slack-sidebar" onClick={onClick}>
      <Icon of="menu" />
      {waiting && <span class="dot" />}
    </button>
  );
}
