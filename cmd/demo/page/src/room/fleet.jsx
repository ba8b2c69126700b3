// The fleet of a project: every server as a tile, to look at, to find and to open.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { CloudSwitch, useCloud } from "../cloud.jsx";
import { fleetOf, watch } from "../world.js";
import { Panel } from "./panel.jsx";
import { ServerBox } from "./server.jsx";
import { matching, stateOf } from "./state.js";
import { Tiles } from "./tiles.js";

const words = ["running", "stopping", "off", "starting"];

export function Fleet({ theme }) {
  const cloud = useCloud();
  const fleet = fleetOf(cloud);
  const canvas = useRef();
  const bed = useRef();
  const tiles = useRef();
  const [, draw] = useState(0); // counted up when tiles moved or came
  const [counts, setCounts] = useState({});
  const [text, setText] = useState("");
  const [pointed, point] = useState(null); // id under the mouse
  const [cursor, setCursor] = useState(null); // id at which the keys are
  const [open, setOpen] = useState(null); // id whose box is open

  useEffect(() => {
    const all = (tiles.current = new Tiles(canvas.current));
    all.dress(theme);
    const again = () => draw((n) => n + 1);
    const take = () => {
      if (all.sync(fleetOf(cloud))) again();
      setCounts(count(fleetOf(cloud)));
    };
    const size = new ResizeObserver(([e]) => {
      const width = Math.floor(e.contentRect.width);
      all.fit(width, width < 480 ? 360 : 284);
      again();
    });
    take();
    size.observe(bed.current);
    window.demoTile = (name) => place(all, canvas.current, name);
    const end = watch(["servers"], take);
    return () => {
      end();
      size.disconnect();
      all.close();
      for (const forget of [point, setCursor, setOpen]) forget(null);
    };
  }, [cloud]);
  useEffect(() => tiles.current.dress(theme), [theme]);

  const found = useMemo(() => text.trim() && [...fleet.values()].filter(matching(text)), [text, counts, cloud]);
  useEffect(() => tiles.current.light(found ? new Set(found.map((s) => s.id)) : null), [found, cloud]);

  const tile = (id) => id && tiles.current?.tile(id);
  const under = (e) => tiles.current.at(e.offsetX, e.offsetY)?.server.id ?? null;
  const keys = (e) => {
    const now = tile(cursor);
    if ((e.key === "Enter" || e.key === " ") && now) setOpen(cursor);
    else {
      const next = now ? tiles.current.beside(now, e.key) : /^(Arrow|Home|End)/.test(e.key) && tiles.current.rows[0]?.[0];
      if (!next) return;
      setCursor(next.server.id);
    }
    e.preventDefault();
  };
  const told = tile(cursor)?.server;

  return (
    <Panel
      title="Fleet"
      kind="fleet"
      data-running={counts.running ?? 0}
      data-stopping={counts.stopping ?? 0}
      data-off={counts.off ?? 0}
      data-starting={counts.starting ?? 0}
      beside={
        <>
          <CloudSwitch />
          <span class="amount">{(counts.all ?? 0).toLocaleString("en")} servers</span>
          <form
            class="find"
            role="search"
            onSubmit={(e) => {
              e.preventDefault();
              if (!found?.length) return;
              setCursor(found[0].id);
              setOpen(found[0].id);
            }}
          >
            <span class="hits" role="status">
              {found && (found.length === 0 ? "none" : `${found.length.toLocaleString("en")} found`)}
            </span>
            <input type="search" aria-label="Find a server" placeholder="Find a server" title="A part of a name, a pattern with *, the beginning of an id, or a tag. Enter opens the first." value={text} onInput={(e) => setText(e.currentTarget.value)} />
          </form>
        </>
      }
    >
      <div class="bed" ref={bed}>
        <ul class="kinds">
          {tiles.current?.kinds.map((k) => (
            <li key={k.name} style={{ top: k.y + "px" }}>
              <b>{k.name}</b> <span>{k.tiles.length.toLocaleString("en")}</span>
            </li>
          ))}
        </ul>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label="The servers as tiles. Arrow keys move, Enter opens a server."
          onMouseMove={(e) => point(under(e))}
          onMouseLeave={() => point(null)}
          onClick={(e) => {
            setCursor(under(e));
            setOpen(under(e));
          }}
          onKeyDown={keys}
          onFocus={() => cursor ?? setCursor(tiles.current.rows[0]?.[0].server.id)}
          onBlur={() => !open && setCursor(null)}
        />
        <Ring tiles={tiles.current} id={pointed} kind="pointed" />
        <Ring tiles={tiles.current} id={cursor} kind="cursor" />
        <span class="unseen" role="status">
          {told && `${told.name}, ${stateOf(told)}`}
        </span>
        {!open && <Tip tiles={tiles.current} id={pointed ?? cursor} />}
        {open && fleet.has(open) && (
          <ServerBox
            key={open}
            server={fleet.get(open)}
            at={tile(open)}
            bed={bed.current}
            close={() => {
              setOpen(null);
              canvas.current.focus({ preventScroll: true });
            }}
            leave={() => {
              setOpen(null);
              setCursor(null);
            }}
          />
        )}
      </div>
      <Legend counts={counts} />
    </Panel>
  );
}

// count counts the servers by what they are doing.
function count(fleet) {
  const counts = { all: fleet.size, running: 0, stopping: 0, off: 0, starting: 0, locked: 0 };
  for (const s of fleet.values()) {
    counts[stateOf(s)]++;
    if (s.locked) counts.locked++;
  }
  return counts;
}

// place tells where a server's tile is on the page, for tests and the console.
function place(tiles, canvas, name) {
  const t = tiles.named(name);
  if (!t) return null;
  const box = canvas.getBoundingClientRect();
  return { x: box.x + scrollX + t.x, y: box.y + scrollY + t.y, w: tiles.size, h: tiles.size, state: t.state, colour: tiles.colourOf(t) };
}

function Ring({ tiles, id, kind }) {
  const t = id && tiles?.tile(id);
  return t && <i class={"ring " + kind} style={{ left: t.x + "px", top: t.y + "px", width: tiles.size + "px", height: tiles.size + "px" }} />;
}

function Tip({ tiles, id }) {
  const t = id && tiles?.tile(id);
  if (!t) return null;
  const s = t.server;
  return (
    <div class="tip" aria-hidden="true" style={{ left: `clamp(0px, ${t.x - 110}px, 100% - 236px)`, top: t.y + tiles.size + 6 + "px" }}>
      <b>{s.name}</b> <span class={"state " + t.state}>{t.state}</span>
      {s.locked && " · locked"}
      <code>{s.id}</code>
      <span>
        {s.address}
        {s.tags?.map((tag) => (
          <em key={tag}>{tag}</em>
        ))}
      </span>
    </div>
  );
}

// Legend tells the counts to the eye at once, and to a screen reader only now
// and then.
function Legend({ counts }) {
  const [told, tell] = useState("");
  const line = words.map((w) => `${counts[w] ?? 0} ${w}`).join(", ");
  const newest = useRef();
  newest.current = line;
  useEffect(() => {
    if (told === line) return;
    const soon = setTimeout(() => tell(newest.current), 4000);
    return () => clearTimeout(soon);
  }, [told === line]);
  return (
    <footer class="legend">
      <ul>
        {words.map((w) => (
          <li key={w}>
            <i class={"tile " + w} />
            <b>{(counts[w] ?? 0).toLocaleString("en")}</b> {w}
          </li>
        ))}
        <li>
          <i class="tile running locked" />
          <b>{(counts.locked ?? 0).toLocaleString("en")}</b> locked
        </li>
      </ul>
      <span class="unseen" aria-live="polite">
        {told}
      </span>
    </footer>
  );
}
