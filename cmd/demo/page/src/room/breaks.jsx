// Break it: the faults that can be planned for the clouds and for Slack, to see
// what the bot makes of them.

import { CloudSwitch, useCloud } from "../cloud.jsx";
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
    fail_server: ["Make one server fail", "One running server will not stop: one of an open request, else web-1 or its like."],
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
  const cloud = useCloud();
  return (
    <Panel
      title="Break it"
      kind="breaks"
      beside={
        <>
          <CloudSwitch />
          <span class="amount">{armed.length > 0 && `${armed.length} will strike next`}</span>
        </>
      }
    >
      {Object.entries(groups).map(([group, breaks]) => (
        <div key={group} class="group" role="group" aria-label={"Break the " + group.toLowerCase()}>
          <h3>{group === "Cloud" ? `Cloud of ${cloud}` : group}</h3>
          {Object.entries(breaks).map(([what, [word, says]]) => (
            <Break key={what} what={what} word={word} says={says} project={group === "Cloud" ? cloud : undefined} waiting={armed.filter((a) => a.what === what && (group !== "Cloud" || a.project === cloud)).length} />
          ))}
        </div>
      ))}
      <div class="group">
        <span class="break">
          <button aria-describedby="says-clear" onClick={() => press("demo/break", { what: "clear" })}>
            Disarm all
          </button>
          <small id="says-clear">What has not struck yet will not.</small>
        </span>
      </div>
    </Panel>
  );
}

function Break({ what, word, says, project, waiting }) {
  return (
    <span class="break">
      <button aria-describedby={"says-" + what} data-armed={waiting || undefined} onClick={() => press("demo/break", { what, project })}>
        {word}
        {waiting > 0 && <b class="armed">will strike next{waiting > 1 && ` ×${waiting}`}</b>}
      </button>
      <small id={"says-" + what}>{says}</small>
    </span>
  );
}
