// The page: Slack on the left, the cloud and the machine room on the right; on
// a narrow screen one of them at a time.

import { useLayoutEffect } from "preact/hooks";
import { useWorld } from "./world.js";
import { arrive, sit, useSeat } from "./seat.js";
import { Skips } from "./skips.jsx";
import { useTheme } from "./theme.js";
import { Slack } from "./slack/slack.jsx";
import { Room } from "./room/room.jsx";
import { Tour } from "./tour.jsx";

export function Page() {
  const { connected, hello } = useWorld("connected");
  const [theme, setTheme] = useTheme();
  const { side } = useSeat();
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useLayoutEffect(() => {
    if (hello) arrive(hello.place);
  }, [hello]);
  return (
    <div class="page" data-side={side}>
      {hello && <Skips />}
      <header class="top">
        <h1>
          <span class="logo" aria-hidden="true" /> ecsbot demo
        </h1>
        <p class="unreal">
          <strong>Nothing here is real.</strong> <span>A simulated Slack, a simulated cloud, and the real bot between them.</span>
        </p>
        <nav class="sides" aria-label="Show">
          <button aria-pressed={side === "slack"} onClick={() => sit({ side: "slack" })}>
            Slack
          </button>
          <button aria-pressed={side === "room"} onClick={() => sit({ side: "room" })}>
            Cloud
          </button>
        </nav>
        <button class="theme" onClick={() => setTheme(theme === "dark" ? "light" : "dark")} aria-label={theme === "dark" ? "Light colours" : "Dark colours"} title={theme === "dark" ? "Light colours" : "Dark colours"}>
          {theme === "dark" ? "\u2600\uFE0E" : "\u263E\uFE0E"}
        </button>
      </header>
      {!connected && (
        <div class="offline" role="status">
          {hello ? "The demo does not answer. Is it still running? Trying again …" : "Connecting …"}
        </div>
      )}
      {hello && <Tour />}
      {hello && (
        <main>
          <Slack theme={theme} />
          <Room theme={theme} />
        </main>
      )}
    </div>
  );
}
