// The tour: five things to try, one at a time, each ticked off when the world
// shows that it was done, and then the rules. README.md has the same five. A step has phases: what is to
// be done now, in a sentence, and what is needed for it, which is brought into view.

import { useEffect, useState } from "preact/hooks";
import { bring } from "./bring.js";
import { useMedia } from "./media.js";
import { keep, kept } from "./memory.js";
import { compose, sit, useSeat } from "./seat.js";
import { useWorld, world } from "./world.js";

const ended = (r) => ["succeeded", "partially_failed", "failed", "unknown"].includes(r.state);
// The tour goes through the first project, and no rule is about its servers; what else
// is requested does not count.
const mine = (w) => w.requests.filter((r) => r.project === w.hello.projects[0].name && !r.rules);
const asked = (w, test) => mine(w).some(test);

const inRoom = (selector) => ({ side: "room", find: () => document.querySelector(".room " + selector) });
const buttonOfBotA = (what) => inRoom(`[data-machine="Bot A"] button.${what}`);

// onCard is a button of a request's card, which comes a moment after the request.
const onCard = ({ id }, word) => ({
  side: "slack",
  place: world.hello.place,
  find() {
    const ts = world.requests.find((r) => r.id === id)?.thread?.ts;
    return [...document.querySelectorAll(`.slack .channel article[data-ts="${ts}"] button`)].find((b) => b.textContent.trim() === word);
  },
});

const steps = [
  {
    title: "Request",
    command: '/ecs-stop web-1 web-2 --reason "night"',
    as: "U0MIA",
    ask: "As Mia, send this in #ops. A card appears; nothing is stopped yet.",
    done: (w) => asked(w, () => true),
  },
  {
    title: "Approve as somebody else",
    as: "U0MIA",
    by: "U0NOAH",
    ask: "First, request it again.",
    decide: "Become Noah, press Approve on the card, and confirm.",
    runs: "Watch two tiles go dark and the outcome arrive in the thread.",
    beside: inRoom(".fleet"),
    done: (w) => asked(w, (r) => r.state === "succeeded"),
  },
  {
    title: "Use the form, and deny",
    command: "/ecs-stop",
    as: "U0MIA",
    by: "U0NOAH",
    ask: "As Mia, send this alone: a form opens.",
    form: "Choose any server and send the request.",
    decide: "Become Noah, press Deny on the card, and give a reason.",
    word: "Deny",
    done: (w) => asked(w, (r) => r.state === "denied"),
  },
  {
    title: "Kill the bot in the middle",
    command: '/ecs-stop api-* --reason "spare"',
    as: "U0MIA",
    by: "U0NOAH",
    ask: "As Mia, request these. They take a few seconds.",
    decide: "Approve as Noah, and at once press “Kill −9” at bot A.",
    runs: "Now press “Kill −9” at bot A.",
    needs: buttonOfBotA("kill"),
    beside: buttonOfBotA("kill"),
    start: "Press “Start”: the bot resumes, and nothing is stopped or posted twice.",
    resumes: "The bot checks what became of its last call before it goes on. That can take a minute.",
    mine: (r) => r.total >= 100 && r.total <= 1000,
    done: (w) => w.notes.some((n) => n.text.includes("killed") && asked(w, (r) => ended(r) && Date.parse(r.finished) > Date.parse(n.time))),
  },
  {
    title: "Run into the limit",
    command: '/ecs-stop batch-* --reason "weekend"',
    as: "U0MIA",
    by: "U0OLGA",
    ask: "As Mia, request 1,500 servers.",
    decide: "Become Olga, press Approve on the card, and confirm.",
    runs: "Watch the last 60 seconds: 900 at once (100 are kept free for small requests), never more than 1,000. The rest waits for its minute.",
    needs: inRoom(".window"),
    mine: (r) => r.total > 1000,
    done: (w) => asked(w, (r) => r.total > 1000 && ended(r)),
  },
];

// What rules do, for afterwards: the command, the number of the project in whose channel
// it is typed, and what comes of it.
const tries = [
  ["/ecs-stop db-1", 0, " needs two groups, "],
  ["/ecs-stop pay-1", 0, " is denied, and "],
  ["/ecs-stop dev-*", 1, " in #dev is approved at once. Then break what you like."],
];

const end = { title: "Try the rules", ask: tries };

// phaseOf is what is to be done now in a step: its key in the step, and what it takes.
function phaseOf(step, w, me) {
  if (step === end) return { key: "ask", target: inRoom(".breaks") };
  if (step.form && me === step.as && w.views[me]) return { key: "form" };
  const of = (...states) => mine(w).find((r) => r.requester === step.as && states.includes(r.state) && (!step.mine || step.mine(r)));
  const pending = step.by && of("pending");
  if (pending) return { key: "decide", me: step.by, target: onCard(pending, step.word ?? "Approve"), beside: step.beside };
  const running = step.by && of("approved", "executing");
  const killed = running && step.start && w.notes.some((n) => n.text.includes("killed") && Date.parse(n.time) > Date.parse(running.created));
  if (killed) {
    const down = w.replicas.every((r) => r.state === "down");
    return down ? { key: "start", target: buttonOfBotA("start") } : { key: "resumes" };
  }
  if (running && step.runs) return { key: "runs", target: step.needs, beside: step.beside };
  return { key: "ask", command: step.command ?? steps[0].command, me: step.as };
}

// Every sentence of the tour, for the bar to be as high as the longest of them needs.
const sentences = [...steps, end].flatMap((s) => ["ask", "form", "decide", "runs", "start", "resumes"].filter((key) => s[key]).map((key) => ({ s, key })));

function Sentence({ s, phase, ...rest }) {
  if (s === end)
    return (
      <p {...rest}>
        <strong>{s.title}.</strong>{" "}
        {tries.map(([command, project, comes]) => [<Try key={command} command={command} channel={world.hello.projects[project].channel} idle={rest["aria-hidden"]} />, comes])}
      </p>
    );
  const command = phase === "ask" && s !== end && (s.command ?? steps[0].command);
  return (
    <p {...rest}>
      <strong>{s.title}.</strong> {s[phase]} {command && <code>{command}</code>}
    </p>
  );
}

// Try puts a command into the composer of its channel, as Mia.
function Try({ command, channel, idle }) {
  if (idle) return <code>{command}</code>;
  return (
    <button
      class="try"
      onClick={() => {
        sit({ me: "U0MIA" });
        compose(channel, command);
      }}
    >
      <code>{command}</code>
    </button>
  );
}

export function Tour() {
  const w = useWorld("requests", "note", "view", "replicas");
  const { me: chosen } = useSeat();
  const me = chosen ?? w.hello.me;
  const [wanted, setWanted] = useState(() => kept("localStorage", "tour") !== "closed");
  const short = useMedia("(max-height: 500px)"); // here it would leave no room for the rest
  const [unfolded, unfold] = useState(false);
  const open = short ? unfolded : wanted;
  const [looked, look] = useState(null); // a step chosen by hand
  const next = steps.findIndex((s) => !s.done(w));
  const at = looked ?? (next < 0 ? steps.length : next);
  useEffect(() => look((step) => (step === steps.length ? step : null)), [next]); // who has done a step is led on
  const step = steps[at] ?? end;
  const phase = phaseOf(step, w, me);
  const someoneElse = phase.me && me !== phase.me;

  // What is needed now comes into view by itself.
  useEffect(() => {
    if (!open || step === end) return;
    const giveUp = [];
    if (phase.beside) giveUp.push(bring(phase.beside, { stay: true }));
    if (phase.target && !someoneElse) giveUp.push(bring(phase.target));
    return () => giveUp.forEach((g) => g());
  }, [open, at, phase.key, someoneElse]);

  const show = (yes) => {
    if (short) return unfold(yes);
    keep("localStorage", "tour", yes ? "open" : "closed");
    setWanted(yes);
  };
  if (!open)
    return (
      <div class="tour closed">
        <button onClick={() => show(true)}>Tour</button>
      </div>
    );
  const name = (id) => w.people.find((p) => p.id === id)?.real_name.split(" ")[0];
  return (
    <section class="tour" aria-label="Tour" data-step={at + 1} data-phase={phase.key}>
      <ol>
        {steps.map((s, i) => (
          <li key={i}>
            <button aria-current={i === at ? "step" : undefined} aria-label={`Step ${i + 1}: ${s.title}${s.done(w) ? " (done)" : ""}`} data-done={s.done(w)} onClick={() => look(i)}>
              {s.done(w) ? "✓" : i + 1}
            </button>
          </li>
        ))}
        <li>
          <button aria-current={step === end ? "step" : undefined} aria-label="After the tour: try the rules" onClick={() => look(steps.length)}>
            +
          </button>
        </li>
      </ol>
      <div class="sentences">
        <Sentence s={step} phase={phase.key} aria-live="polite" />
        {sentences.map(({ s, key }) => (
          <Sentence key={s.title + key} s={s} phase={key} class="measure" aria-hidden="true" />
        ))}
      </div>
      <div class="next">
        {phase.command ? (
          <button
            class="put"
            onClick={() => {
              sit({ me: step.as });
              compose(w.hello.place, phase.command);
            }}
          >
            Type it for me
          </button>
        ) : someoneElse ? (
          <button class="put" onClick={() => sit({ me: phase.me, place: w.hello.place, thread: null, side: "slack" })}>
            Become {name(phase.me)}
          </button>
        ) : (
          phase.target && (
            <button
              class="put"
              onClick={() => {
                if (phase.target.place) sit({ place: phase.target.place, thread: null });
                bring(phase.target);
              }}
            >
              Show me
            </button>
          )
        )}
      </div>
      <button class="close" aria-label="Close the tour" onClick={() => show(false)}>
        ×
      </button>
    </section>
  );
}
