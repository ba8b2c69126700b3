// The tour: five things to try, one at a time, each ticked off when the world
// shows that it was done. README.md has the same five.

import { useEffect, useState } from "preact/hooks";
import { keep, kept } from "./memory.js";
import { compose, sit, useSeat } from "./seat.js";
import { useWorld } from "./world.js";

const ended = (r) => ["succeeded", "partially_failed", "failed", "unknown"].includes(r.state);
const asked = (w, test) => w.requests.some(test);

const steps = [
  {
    title: "Request",
    text: "As Mia, send this in #ops. A card appears; nothing is stopped yet.",
    command: '/ecs-stop web-1 web-2 --reason "night"',
    as: "U0MIA",
    done: (w) => asked(w, () => true),
  },
  {
    title: "Approve as somebody else",
    text: "Become Noah (top left), press Approve on the card and confirm. Watch two tiles go dark and the outcome arrive in the thread.",
    as: "U0NOAH",
    done: (w) => asked(w, (r) => r.state === "succeeded"),
  },
  {
    title: "Use the form, and deny",
    text: "As Mia, send this alone: a form opens. Choose any server and send the request. As Noah, press Deny and give a reason.",
    command: "/ecs-stop",
    as: "U0MIA",
    then: "U0NOAH",
    done: (w) => asked(w, (r) => r.state === "denied"),
  },
  {
    title: "Kill the bot in the middle",
    text: "Request these, approve as Noah, and at once press “Kill −9” at bot A. Then press “Start”: the bot resumes, and nothing is stopped or posted twice. That can take a minute.",
    command: '/ecs-stop api-* --reason "spare"',
    as: "U0MIA",
    then: "U0NOAH",
    done: (w) => w.notes.some((n) => n.text.includes("killed") && asked(w, (r) => ended(r) && Date.parse(r.finished) > Date.parse(n.time))),
  },
  {
    title: "Run into the limit",
    text: "1,500 servers. Approve as Olga and watch the last 60 seconds: 900 at once (100 are kept free for small requests), never more than 1,000. The rest waits for its minute.",
    command: '/ecs-stop batch-* --reason "weekend"',
    as: "U0MIA",
    then: "U0OLGA",
    done: (w) => asked(w, (r) => r.total > 1000 && ended(r)),
  },
];

export function Tour() {
  const w = useWorld("requests", "note");
  const { me } = useSeat();
  const [open, setOpen] = useState(() => kept("localStorage", "tour") !== "closed");
  const [looked, look] = useState(null); // a step chosen by hand
  const next = steps.findIndex((s) => !s.done(w));
  const at = looked ?? (next < 0 ? steps.length : next);
  useEffect(() => look(null), [next]); // who has done a step is led on
  const show = (yes) => {
    keep("localStorage", "tour", yes ? "open" : "closed");
    setOpen(yes);
  };
  if (!open)
    return (
      <div class="tour closed">
        <button onClick={() => show(true)}>Tour</button>
      </div>
    );
  const step = steps[at];
  // Once it is requested, somebody else has to decide.
  const decides = step?.then && asked(w, (r) => r.state === "pending" && r.requester === step.as);
  const become = !step ? null : decides ? step.then : step.command ? null : step.as;
  return (
    <section class="tour" aria-label="Tour">
      <ol>
        {steps.map((s, i) => (
          <li key={i}>
            <button aria-current={i === at ? "step" : undefined} aria-label={`Step ${i + 1}: ${s.title}${s.done(w) ? " (done)" : ""}`} data-done={s.done(w)} onClick={() => look(i)}>
              {s.done(w) ? "✓" : i + 1}
            </button>
          </li>
        ))}
      </ol>
      {step ? (
        <p>
          <strong>{step.title}.</strong> {step.text} {step.command && <code>{step.command}</code>}
        </p>
      ) : (
        <p>
          <strong>That was the tour.</strong> Now break what you like: the buttons are on the right.
        </p>
      )}
      {step?.command && !decides && (
        <button
          class="put"
          onClick={() => {
            sit({ me: step.as });
            compose(w.hello.place, step.command);
            look(null);
          }}
        >
          Type it for me
        </button>
      )}
      {become && (me ?? w.hello.me) !== become && (
        <button
          class="put"
          onClick={() => {
            sit({ me: become, place: w.hello.place, side: "slack" });
            look(null);
          }}
        >
          Become {w.people.find((p) => p.id === become)?.real_name.split(" ")[0]}
        </button>
      )}
      <button class="close" aria-label="Close the tour" onClick={() => show(false)}>
        ×
      </button>
    </section>
  );
}
