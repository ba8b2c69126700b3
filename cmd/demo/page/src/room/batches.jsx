// The calls of a request (the record's batches): a row of small cells, and a
// table of them when it is opened.

const states = {
  queued: ["·", "queued"],
  submitting: ["↑", "submitting"],
  running: ["▸", "running"],
  ambiguous: ["?", "no clear reply yet"],
  reconciling: ["≈", "checking the servers"],
  succeeded: ["✓", "succeeded"],
  partially_failed: ["!", "partially failed"],
  failed: ["✕", "failed"],
  unknown: ["?", "unknown"],
  cancelled: ["–", "cancelled"],
};

const sign = (b) => states[b.state]?.[0] ?? "·";
const word = (b) => states[b.state]?.[1] ?? b.state;

export function Calls({ r }) {
  const list = r.batch_list ?? [];
  if (list.length === 0) return null;
  const sums = new Map();
  for (const b of list) sums.set(word(b), (sums.get(word(b)) ?? 0) + 1);
  const summary = [...sums].map(([w, n]) => `${n} ${w}`).join(", ");
  return (
    <details class="batches">
      <summary>
        <span class="count">
          {list.length} {list.length === 1 ? "batch" : "batches"}
        </span>
        <span class="cells" role="img" aria-label={summary}>
          {list.map((b) => (
            <i key={b.n} class={"cell " + b.state} data-waits={b.n + 1 === r.waiting ? "" : undefined} title={tell(b, list.length)}>
              {sign(b)}
            </i>
          ))}
        </span>
      </summary>
      <table>
        <thead>
          <tr>
            <th>batch</th>
            <th>servers</th>
            <th>state</th>
            <th>tries</th>
            <th>job</th>
          </tr>
        </thead>
        <tbody>
          {list.map((b) => (
            <tr key={b.n}>
              <td>{b.n + 1}</td>
              <td>{b.size}</td>
              <td>
                {sign(b)} {word(b)}
                {b.trouble && <span class="trouble">{b.trouble}</span>}
              </td>
              <td>
                {b.attempt ?? 0}
                {b.lost > 0 && `, ${b.lost} unclear`}
              </td>
              <td>
                <code title={b.job}>{b.job?.slice(0, 12)}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function tell(b, of) {
  return [`batch ${b.n + 1} of ${of}: ${word(b)}, ${b.size} servers`, b.attempt > 1 && `attempt ${b.attempt}`, b.lost > 0 && `${b.lost} without a clear answer`, b.job && `job ${b.job}`, b.trouble].filter(Boolean).join("\n");
}
