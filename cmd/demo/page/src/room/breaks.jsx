// Break it: the faults that can be planned for the cloud and for Slack, to see
// what the bot makes of them.

import { useState } from "preact/hooks";
import { useWorld } from "../world.js";
import { Panel } from "./panel.jsx";
import { press } from "./toast.jsx";

const groups = {
  Cloud: {
    cloud_429: ["Answer 429", "The next stop call is refused: too many requests. Nothing is done."],
    cloud_502: ["Answer 502", "The next stop call gets a bad gateway. Nothing is done, but who knows?"],
    cloud_drop: ["Act, drop the answer", "The next stop call is carried out, and its answer is lost."],
    cloud_reset: ["Cut before acting", "The next stop call is cut off before the cloud acts."],
    fail_job: ["Fail the next job", "The next job is accepted, and then fails as a whole."],
    fail_server: ["Fail a server", "Actions on one server fail; a running one is picked."],
    start_by_hand: ["Start one by hand", "Somebody starts a stopped server in the console."],
  },
  Slack: {
    slack_drop: ["Post, drop the answer", "Slack posts the next message, and its answer is lost."],
    slack_lose: ["Lose a post", "Slack says nothing to the next post, and does not post it."],
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
            Take everything back
          </button>
          <p class="hint" aria-hidden="true">
            {hint || (armed.length > 0 ? "Armed: it strikes at the next chance." : "Point at a button to see what it does.")}
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
