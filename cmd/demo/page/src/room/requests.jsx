// Requests, as the bot's own record has them.

import { useWorld, world } from "../world.js";
import { compose, goTo } from "../seat.js";
import { Calls } from "./batches.jsx";
import { Panel } from "./panel.jsx";

const states = {
  pending: ["◔", "pending"],
  approved: ["✓", "approved"],
  executing: ["▸", "running"],
  succeeded: ["✓", "succeeded"],
  partially_failed: ["!", "partially failed"],
  failed: ["✕", "failed"],
  unknown: ["?", "outcome unknown"],
  denied: ["✕", "denied"],
  cancelled: ["–", "cancelled"],
  expired: ["◔", "expired"],
};

const number = (n) => n.toLocaleString("en");
const clock = (time) => new Date(time).toLocaleTimeString("en-GB");

function who(id) {
  const person = world.people.find((p) => p.id === id);
  return "@" + (person?.name ?? id);
}

export function Requests() {
  const { requests, freeze, hello } = useWorld("requests", "people");
  const open = requests.filter((r) => ["pending", "approved", "executing"].includes(r.state)).length;
  return (
    <Panel title="Requests" kind="requests" beside={<span class="amount">{requests.length > 0 && `${open} open, ${requests.length} in total · as recorded by the bots`}</span>}>
      {freeze?.on && (
        <p class="freeze" role="status">
          <span aria-hidden="true">❆</span>
          <span>
            <b>Frozen</b> by {who(freeze.by)} at {clock(freeze.at)}
            {freeze.reason && `: ${freeze.reason}`}. Nothing is sent.
          </span>
        </p>
      )}
      {requests.length === 0 ? (
        <p class="empty">
          No request yet. Send <code>{hello.command} cache-*</code> in Slack, then approve the card as somebody else.{" "}
          <button onClick={() => compose(hello.place, `${hello.command} cache-* --reason "first try"`)}>Write it for me</button>
        </p>
      ) : (
        <ol class="list" tabIndex={0} aria-label="All requests">
          {requests.map((r) => (
            <Request key={r.id} r={r} />
          ))}
        </ol>
      )}
    </Panel>
  );
}

function Request({ r }) {
  const [icon, word] = states[r.state] ?? ["·", r.state];
  const start = r.action === "start";
  return (
    <li class="request" data-request={r.id} data-state={r.state}>
      <p class="head">
        <button class="id" disabled={!r.thread?.ts} onClick={() => goTo(r.thread.channel, r.thread.ts)} title="Show its card in Slack">
          {r.id}
        </button>
        <span class={"pill " + r.state}>
          <span aria-hidden="true">{icon}</span> {word}
        </span>
        <span class="what">
          {start ? "start" : "stop"} <b>{number(r.total)}</b>
          {!start && <span class={"mode " + r.mode}>{r.mode}</span>}
        </span>
        <em>{r.project}</em>
        <span class="who">
          {who(r.requester)} <time>{clock(r.created)}</time>
        </span>
      </p>
      <Progress r={r} />
      <Calls r={r} />
      <Waits r={r} />
    </li>
  );
}

// What became of the servers, in the order of the bar: key in the tally, word.
const outcomes = [
  ["stopped", "stopped", "good"],
  ["started", "started", "good"],
  ["off", "found stopped", "good"],
  ["on", "found running", "good"],
  ["out", "skipped", "out"],
  ["failed", "failed", "bad"],
  ["unknown", "unknown", "warn"],
  ["unsent", "not sent", "out"],
];

function Progress({ r }) {
  const parts = outcomes.map(([key, word, kind]) => ({ n: r.tally?.[key] ?? 0, word, kind })).filter((p) => p.n > 0);
  const done = parts.reduce((sum, p) => sum + p.n, 0);
  if (!r.batches && done === 0) return null;
  const text = parts.map((p) => `${number(p.n)} ${p.word}`).join(" · ") || "no result yet";
  return (
    <div class="progress">
      <div class="bar" role="progressbar" aria-label={"Results of " + r.id} aria-valuemin="0" aria-valuemax={r.total} aria-valuenow={done} aria-valuetext={text}>
        {parts.map((p) => (
          <i key={p.word} class={p.kind} style={{ width: `${(100 * p.n) / r.total}%` }} />
        ))}
      </div>
      <span class="text">{text}</span>
    </div>
  );
}

// Waits tells what the request waits for, if for anything.
function Waits({ r }) {
  const yes = r.decisions?.filter((d) => d.verdict === "approve").length ?? 0;
  const lines = [];
  if (r.state === "pending") lines.push(`${yes} of ${r.need} ${r.need === 1 ? "approval" : "approvals"}; expires at ${clock(r.expires)}`);
  const rules = r.rules?.map((rule) => rule.name).join(", ");
  if (rules) lines.push(`${r.decisions?.some((d) => d.verdict === "auto") ? "approved by" : "decided by"} ${r.rules.length === 1 ? "rule" : "rules"} ${rules}`);
  if (r.waiting) lines.push(`batch ${r.waiting} of ${r.batches ?? r.batch_list.length} waits for the limit` + (r.place > 1 ? `; ${r.place} in the line` : ""));
  if (r.stop && r.state === "executing") lines.push(`cancelled by ${who(r.stop.by)}: no further batch is sent`);
  if (lines.length === 0) return null;
  return (
    <p class="waits">
      <span aria-hidden="true">◔</span> {lines.join("; ")}
    </p>
  );
}
