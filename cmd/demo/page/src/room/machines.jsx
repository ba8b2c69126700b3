// The machines: the two bots, their store, their line to Slack, and the
// cloud's speed.

import { useEffect, useState } from "preact/hooks";
import { useWorld } from "../world.js";
import { Panel } from "./panel.jsx";
import { press } from "./toast.jsx";

export function Machines() {
  const { replicas, store, slack, cloud } = useWorld("replicas", "state");
  return (
    <Panel title="Machines" kind="machines">
      <ul>
        {replicas.map((r) => (
          <Bot key={r.name} bot={r} />
        ))}
        <Machine name="Store" state={store.up ? "up" : "down"} says={store.up ? "up" : "stopped"}>
          <button onClick={() => press("demo/store", { up: !store.up })}>
            {store.up ? "Stop" : "Start"}
            <span class="unseen"> the store</span>
          </button>
        </Machine>
        <Machine name="Slack" state={slack.up ? "up" : "down"} says={slack.up ? `${slack.sockets.length} ${slack.sockets.length === 1 ? "socket" : "sockets"}` : "down"}>
          <button disabled={!slack.up || slack.sockets.length === 0} onClick={() => press("demo/break", { what: "cut_socket" })}>
            Cut a socket
          </button>
          <button onClick={() => press("demo/slack", { up: !slack.up })}>
            <span class="unseen">{slack.up ? "Take" : "Bring"} Slack </span>
            {slack.up ? "Down" : "Up"}
          </button>
        </Machine>
      </ul>
      <Speed speed={cloud.speed} />
    </Panel>
  );
}

// A machine that is idle is down as nobody has wanted it yet: that is no trouble.
function Machine({ name, state, idle, says, children }) {
  return (
    <li data-machine={name} data-state={state}>
      <i class={"lamp " + (idle ? "idle" : state)} />
      <b>{name}</b>
      <span class="says">{says}</span>
      <span class="hands">{children}</span>
    </li>
  );
}

// What is said of a state, with a hint at the keyboard.
const deeds = {
  kill: ["Kill", "kill -9: it dies at once, in the middle of whatever it does"],
  stop: ["Stop softly", "SIGTERM: it hands over what it holds, and ends"],
  start: ["Start", "starts its process"],
};

function Bot({ bot }) {
  const says = bot.state === "down" ? bot.how || "down" : bot.state === "up" ? `pid ${bot.pid}` : "starting";
  return (
    <Machine name={"Bot " + bot.name} state={bot.state} idle={bot.how === "not started"} says={says}>
      {(bot.state === "down" ? ["start"] : ["kill", "stop"]).map((what, i) => (
        <Deed key={i} bot={bot} what={what} />
      ))}
    </Machine>
  );
}

function Deed({ bot, what }) {
  const [word, hint] = deeds[what];
  const [first, ...rest] = word.split(" ");
  return (
    <button class={what} title={hint} onClick={() => press("demo/replicas", { name: bot.name, do: what })}>
      {first}
      <span class="unseen"> bot {bot.name}</span> {rest.join(" ")}
      {what === "kill" && <small aria-hidden="true">−9</small>}
    </button>
  );
}

const speeds = [1, 2, 5, 10, 30, 60];

// Speed is the slider of the cloud's speed. It shows what is wanted until the
// world has it.
function Speed({ speed }) {
  const [wanted, want] = useState(null);
  const at = speeds.findIndex((s) => s >= (wanted ?? speed));
  useEffect(() => {
    if (speed === wanted) want(null);
  }, [speed, wanted]);
  const set = async (e) => {
    if (!(await press("demo/speed", { speed: speeds[e.currentTarget.value] }))) want(null);
  };
  return (
    <div class="speed">
      <label>
        <b>Cloud speed</b>
        <input type="range" min="0" max={speeds.length - 1} step="1" value={at} aria-valuetext={`times ${speeds[at]}`} onInput={(e) => want(speeds[e.currentTarget.value])} onChange={set} />
        <output>×{speeds[at]}</output>
      </label>
      <p>Changes only how long servers take, never the limit's minute.</p>
    </div>
  );
}
