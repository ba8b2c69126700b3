// The last 60 seconds: how many servers the cloud accepted within the minute
// before each moment. The cloud's limit is about exactly this number.

import { useEffect, useReducer } from "preact/hooks";
import { useCloud } from "../cloud.jsx";
import { now, useWorld } from "../world.js";
import { booksOf } from "./ledger.js";
import { Panel } from "./panel.jsx";

const span = 150_000; // ms that the picture shows
const beat = 250; // ms between two drawings

const number = (n) => n.toLocaleString("en");

export function Window() {
  const { hello, cloud } = useWorld("call", "state");
  const project = useCloud();
  const ledger = booksOf(project);
  const { limit, window_ms } = hello;
  const [, again] = useReducer((n) => n + 1, 0);
  const at = now();
  const seen = (book) => at - book.last < span + window_ms; // still in the picture
  const moving = seen(ledger.stop) || seen(ledger.start);
  useEffect(() => {
    if (!moving) return;
    const timer = setInterval(again, beat);
    return () => clearInterval(timer);
  }, [moving]);

  const stops = ledger.stop.within(at);
  const most = Math.max(ledger.stop.most, cloud.most[project] ?? 0); // the cloud remembers more than this page
  const top = Math.max(limit, most, ledger.start.most) * 1.12;
  const up = (n) => `${(100 * (1 - n / top)).toFixed(2)}%`;
  return (
    <Panel title="Last 60 seconds" kind="window" data-now={stops} data-most={most} beside={<span class="amount">accepted in {project}</span>}>
      <div class="gauge">
        <p>
          now
          <span>
            <strong>{number(stops)}</strong>
            <span>of {number(limit)}</span>
          </span>
        </p>
        <p class={most > limit ? "over" : ""}>
          most ever
          <span>
            <strong>{number(most)}</strong>
            {most > limit && <span>over the limit</span>}
          </span>
        </p>
        {ledger.start.last > 0 && (
          <p class="starts">
            starts now
            <span>
              <strong>{number(ledger.start.within(at))}</strong>
              <span>most {number(ledger.start.most)}</span>
            </span>
          </p>
        )}
      </div>
      <div class="plot">
        <svg viewBox={`0 0 ${span} ${top}`} preserveAspectRatio="none" role="img" aria-label={`${number(stops)} of ${number(limit)} in the last minute; never more than ${number(most)}`}>
          <rect class="minute" x={span - window_ms} y="0" width={window_ms} height={top} />
          <line class="half" x1="0" x2={span} y1={top - limit / 2} y2={top - limit / 2} />
          {seen(ledger.stop) && <path class="area" d={steps(ledger.stop, at, window_ms, top) + `V${top}H0Z`} />}
          {seen(ledger.stop) && <path class="curve" d={steps(ledger.stop, at, window_ms, top)} />}
          {seen(ledger.start) && <path class="curve starts" d={steps(ledger.start, at, window_ms, top)} />}
          {ledger.stop.list
            .filter((e) => e.at > at - span)
            .map((e, i) => (
              <line key={i} class="tick" x1={span + e.at - at} x2={span + e.at - at} y1={top - e.count} y2={top} />
            ))}
          <line class="limit" x1="0" x2={span} y1={top - limit} y2={top - limit} />
        </svg>
        <span class="mark limit" style={{ top: up(limit) }}>
          {number(limit)} a minute
        </span>
        <span class="mark half" style={{ top: up(limit / 2) }}>
          {number(limit / 2)}
        </span>
        <ol class="times">
          <li style={{ left: "20%" }}>−2 min</li>
          <li style={{ left: "60%" }}>−1 min</li>
          <li style={{ left: "100%" }}>now</li>
        </ol>
      </div>
    </Panel>
  );
}

// steps is the curve of a book over the span, as a path. It goes up when
// servers are accepted and down when they are a minute old.
function steps(book, at, window, top) {
  const begin = at - span;
  const turns = book.list.flatMap((e) => [e.at, e.at + window]).filter((t) => t > begin && t <= at);
  let path = `M0 ${top - book.within(begin)}`;
  for (const t of turns.sort((a, b) => a - b)) path += `H${t - begin}V${top - book.within(t)}`;
  return path + `H${span}`;
}
