// Break it: the faults that can be planned for the cloud and for Slack, to see
// what the bot makes of them.

import { useState } from "preact/hooks";
import { useWorld } from "../world.js";
import { Panel } from "./panel.jsx";
import { press } from "./toast.jsx";

const groups = {
  Cloud: {
    cloud_429: ["Throttle next call (429)", "The next stop call is refused: too many requests. Nothing is done."],
    cloud_502: ["Bad gateway (502)", "The next stop call gets a bad gateway. Nothing is done, but the bot can't know that."],
    cloud_drop: ["Lose the reply", "The next stop call is carried out, and its reply is lost."],
    cloud_reset: ["Drop the call", "The next stop call is cut off before the cloud acts."],
    fail_job: ["Fail the next job", "The next job is accepted, and then fails as a whole."],
    fail_server: ["Make one server fail", "Actions on one server fail; a running one is picked."],
    start_by_hand: ["Somebody starts a server", "A stopped server is started in the console."],
  },
  Slack: {
    slack_drop: ["Lose the reply", "Slack posts the next message, and its reply is lost."],
    slack_lose: ["Drop the post", "Slack does not answer the next post, and does not post it."],
    slack_429: ["Rate limit", "Slack answers the next post with 429 and asks to wait."],
  },
};

export function Breaks() {
  const { armed = [] } = useWorld("state");
  const [hint, setHint] = useState("");
  return (
    <Panel title="Break it" kind="breaks" beside={<span class="amount">{armed.length > 0 && `${armed.length} armed`}</span>}>
      <div onMouseLeave={() => setHint("")}>
        {Object.entries(groups).map(([group, breaks]) => (
          <div key={group} class="group" role="group" aria-label={"Break the " + group.toLowerCase()}>
            <h3>{group}</h3>
            {Object.entries(breaks).map(([what, [word, says]]) => (
              <Break key={what} what={what} word={word} says={says} waiting={armed.filter((a) => a === what).length} hint={setHint} />
            ))}
          </div>
        ))}
        <div class="group">
          <button class="clear" onClick={() => press("demo/break", { what: "clear" })}>
            Disarm all
          </button>
          <p class="hint" aria-hidden="true">
            {hint || (armed.length > 0 ? "Armed: will strike next." : "Point at a button to see what it does.")}
          </p>
        </div>
      </div>
    </Panel>
  );
}

function Break({ what, word, says, waiting, hint }) {
  return (
    <span class="break">
      <button aria-describedby={"says-" + what} data-armed={waiting || undefined} onClick={() => press("demo/break", { what })} onMouseEnter={() => hint(says)} onFocus={() => hint(says)} onBlur={() => hint("")}>
        {word}
        {waiting > 0 && <b class="armed">armed{waiting > 1 && ` ×${waiting}`}</b>}
      </button>
      <small id={"says-" + what}>{says}</small>
    </span>
  );
}
