// Calls and events: what the cloud was asked and what was done to the
// machinery; and the bots' own logs. The newest is on top.

import { memo } from "preact/compat";
import { useState } from "preact/hooks";
import { useWorld } from "../world.js";
import { isWrite, ledger } from "./ledger.js";
import { Panel } from "./panel.jsx";
import { Scroll } from "./scroll.jsx";

const tabs = { calls: "Calls and events", logs: "Bots' logs" };

export function CallLog() {
  const [tab, choose] = useState("calls");
  const [reads, setReads] = useState(false);
  const keys = (e) => {
    if (e.key !== "ArrowLeft" && e.key !== "ArrowRight") return;
    choose(tab === "calls" ? "logs" : "calls");
    e.currentTarget.querySelector("[aria-selected=false]").focus();
  };
  return (
    <Panel
      title="Calls"
      kind="calls"
      beside={
        <>
          <div class="tabs" role="tablist" aria-label="Which log" onKeyDown={keys}>
            {Object.entries(tabs).map(([name, title]) => (
              <button key={name} id={"room-tab-" + name} role="tab" aria-selected={tab === name} aria-controls="room-log" tabIndex={tab === name ? 0 : -1} onClick={() => choose(name)}>
                {title}
              </button>
            ))}
          </div>
          {tab === "calls" && (
            <label class="reads">
              <input type="checkbox" checked={reads} onChange={(e) => setReads(e.currentTarget.checked)} /> reads <ReadCount />
            </label>
          )}
        </>
      }
    >
      <div id="room-log" role="tabpanel" aria-labelledby={"room-tab-" + tab}>
        {tab === "calls" ? <CallList reads={reads} /> : <LogList />}
      </div>
    </Panel>
  );
}

function ReadCount() {
  useWorld("call");
  const parts = Object.entries(ledger.reads).map(([op, n]) => `${n.toLocaleString("en")} ${op}`);
  return parts.length > 0 && <span class="amount">({parts.join(", ")})</span>;
}

function CallList({ reads }) {
  const { calls, notes } = useWorld("call", "note");
  const rows = [...(reads ? calls : ledger.writes), ...notes].sort((a, b) => b.n - a.n);
  return (
    <Scroll label="Calls and events" empty="No call that changes anything yet.">
      {rows.map((row) => (row.op ? <Call key={row.n} call={row} /> : <Note key={row.n} note={row} />))}
    </Scroll>
  );
}

function LogList() {
  const { logs } = useWorld("log");
  return (
    <Scroll label="Bots' logs" empty="The bots have said nothing yet.">
      {[...logs].reverse().map((l) => (
        <Line key={l.n} line={l} />
      ))}
    </Scroll>
  );
}

// Line is a line of a bot's log. Its time is told as everywhere here, its level
// once.
const Line = memo(({ line }) => {
  const [, time, text] = line.text.match(/^time=(\S+) level=\S+ (?:msg=)?(.*)$/s) ?? [, , line.text];
  return (
    <p class="row line" data-level={line.level}>
      <time>{time && clock(time)}</time>
      <b>{line.bot}</b>
      <span class="level">{line.level}</span>
      <span class="text">{text}</span>
    </p>
  );
});

// clock tells the time to the millisecond.
function clock(time) {
  const d = new Date(time);
  return d.toLocaleTimeString("en-GB") + "." + String(d.getMilliseconds()).padStart(3, "0");
}

const Call = memo(({ call }) => {
  const kind = call.status === 0 ? "none" : call.status < 300 ? "good" : "bad";
  const fault = sayFault(call);
  return (
    <p class={isWrite(call) ? "row write" : "row read"}>
      <time>{clock(call.time)}</time>
      <b class={"op " + call.op}>{call.op}</b>
      <span class="what" title={`${call.method} ${call.path}`}>
        {isWrite(call) ? `${call.count} ${call.count === 1 ? "server" : "servers"}` : call.path?.split("/").slice(3).join("/")}
        {call.stop_type && <span class={"mode " + call.stop_type}>{call.stop_type}</span>}
      </span>
      <span class={"status " + kind}>{call.status || "no answer"}</span>
      <span class="job">
        {isWrite(call) && <em>{call.project}</em>}
        {call.job_id && isWrite(call) && <code title={call.job_id}>job {call.job_id.slice(0, 8)}</code>}
        {fault && <span class="fault">↯ {fault}</span>}
      </span>
    </p>
  );
});

// sayFault tells what a planned fault did to the call.
function sayFault({ fault, job_id, status }) {
  const said = {
    throttle: "refused: too many requests",
    reset_before: "cut before it acted",
    reset_after: "acted, answer dropped",
    accept_late: "cut; acts later",
    unreachable: "not reached",
    no_job_id: "accepted without a job",
    broken_json: "acted, answer cut off",
    delay: "answered late",
    hang: "never answered",
    status: job_id ? "acted, answered " + status : "did not act",
  };
  return said[fault] ?? fault;
}

const Note = memo(({ note }) => {
  return (
    <p class="row note">
      <time>{clock(note.time)}</time>
      <span class="text">
        <span aria-hidden="true">◆</span> {note.text}
      </span>
    </p>
  );
});
