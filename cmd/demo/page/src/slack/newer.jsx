// The blocks of 2026, drawn here: the library does not know all of them, and what it
// draws of the others cannot be reached by keyboard.

import { useState } from "preact/hooks";
import { Icon } from "./icon.jsx";

const cellText = (cell) => String(cell.text ?? cell.value ?? "");
const isNumber = (cell) => cell.type === "raw_number";

// byColumn compares rows by one column: numbers as numbers, before what is no number.
const byColumn = (column) => (a, b) => {
  const [x, y] = [a[column], b[column]];
  if (isNumber(x) && isNumber(y)) return x.value - y.value;
  if (isNumber(x) !== isNumber(y)) return isNumber(x) ? -1 : 1;
  return cellText(x).localeCompare(cellText(y), "en", { numeric: true });
};

// DataTable is a table with pages, which a click on a heading sorts.
export function DataTable({ block }) {
  const [page, setPage] = useState(0);
  const [sorted, setSorted] = useState({ column: -1, down: false });
  const [header, ...rows] = block.rows;
  const size = block.page_size ?? 5;
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const at = Math.min(page, pages - 1);
  const inOrder = sorted.column < 0 ? rows : [...rows].sort(byColumn(sorted.column));
  if (sorted.down) inOrder.reverse();

  function sort(column) {
    setSorted({ column, down: sorted.column === column && !sorted.down });
    setPage(0);
  }

  const order = (i) => (sorted.column !== i ? "none" : sorted.down ? "descending" : "ascending");
  return (
    <div class="data-table">
      <div class="scrolls" tabIndex={0} role="region" aria-label={block.caption}>
        <table>
          <caption>{block.caption}</caption>
          <thead>
            <tr>
              {header.map((h, i) => (
                <th key={i} scope="col" aria-sort={order(i)}>
                  <button type="button" onClick={() => sort(i)}>
                    {cellText(h)} <span aria-hidden="true">{{ ascending: "↑", descending: "↓", none: "" }[order(i)]}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {inOrder.slice(at * size, (at + 1) * size).map((row, r) => (
              <tr key={r}>
                {row.map((cell, i) =>
                  i === (block.row_header_column_index ?? 0) ? (
                    <th key={i} scope="row">
                      {cellText(cell)}
                    </th>
                  ) : (
                    <td key={i} class={isNumber(cell) ? "number" : undefined}>
                      {cellText(cell)}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {pages > 1 && (
        <p class="pages">
          <button type="button" disabled={at === 0} onClick={() => setPage(at - 1)}>
            Previous rows
          </button>
          <span role="status">
            {at * size + 1}–{Math.min(rows.length, (at + 1) * size)} of {rows.length}
          </span>
          <button type="button" disabled={at === pages - 1} onClick={() => setPage(at + 1)}>
            Next rows
          </button>
        </p>
      )}
    </div>
  );
}

const states = { pending: "waiting", in_progress: "in progress", complete: "done", error: "failed" };

// Plan is a list of tasks with their states. rich draws rich text.
export function Plan({ block, rich }) {
  return (
    <section class="plan" aria-label={block.title}>
      <p class="plan-title">{block.title}</p>
      <ol>
        {(block.tasks ?? []).map((task) => (
          <li key={task.task_id} data-status={task.status ?? "pending"}>
            <span class="state" aria-hidden="true" />
            <div>
              <span class="unseen">{states[task.status ?? "pending"]}: </span>
              {task.title}
              {task.details && <div class="details">{rich(task.details)}</div>}
              {task.output && <div class="details">{rich(task.output)}</div>}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

// Container is a group of blocks under a title, which folds.
export function Container({ block, children }) {
  const title = (
    <>
      <span>{block.title?.text}</span>
      {block.subtitle && <small>{block.subtitle.text}</small>}
    </>
  );
  if (!block.is_collapsible) {
    return (
      <section class="group">
        <p class="group-title">{title}</p>
        {children}
      </section>
    );
  }
  return (
    <details class="group" open={!block.default_collapsed}>
      <summary>{title}</summary>
      {children}
    </details>
  );
}

// Alert is a notice in a modal. Its level shows by its icon and colour; the words say it.
export function Alert({ level, children }) {
  return (
    <div class="alert" data-level={level ?? "default"} role="note">
      <Icon of="warning" size={18} />
      <div>{children}</div>
    </div>
  );
}
