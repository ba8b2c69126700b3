// The box of one server: what is known of it, and what a hand can do to it.

import { useEffect, useRef } from "preact/hooks";
import { stateOf } from "./state.js";
import { press } from "./toast.jsx";

const charging = { 0: "pay-per-use", 1: "yearly/monthly: billed on while off", 2: "spot" };

const tallest = 270; // px that a box may need

// close gives the focus back to the tiles; leave is for a click elsewhere.
export function ServerBox({ server: s, at, bed, close, leave }) {
  const box = useRef();
  useEffect(() => {
    box.current.querySelector("button").focus({ preventScroll: true });
    const away = (e) => !bed.contains(e.target) && leave();
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, []);
  const hand = (what, said, body) => press(`cloud/${s.project}/sim/servers/${s.id}/${what}`, body, said);
  const fail = () => {
    const body = s.fails ? { code: "", reason: "" } : { code: "Ecs.0219", reason: "The host does not answer." };
    return hand("fail", s.fails ? `${s.name} will do as it is told.` : `Actions on ${s.name} will fail.`, body);
  };
  // Below the tile, or above it where the whole box fits in there.
  const low = at.y > tallest;
  const style = { left: `clamp(0px, ${at.x - 150}px, 100% - 308px)`, ...(low ? { bottom: bed.clientHeight - at.y + 6 + "px" } : { top: at.y + 16 + "px" }) };
  return (
    <div class="box" role="dialog" aria-label={"Server " + s.name} ref={box} style={style} onKeyDown={(e) => e.key === "Escape" && close()}>
      <header>
        <h3>{s.name}</h3>
        <span class={"state " + stateOf(s)}>{stateOf(s)}</span>
        <button class="plain" onClick={close} aria-label="Close">
          ×
        </button>
      </header>
      <dl>
        <dt>id</dt>
        <dd>
          <code>{s.id}</code>
        </dd>
        <dt>address</dt>
        <dd>
          <code>{s.address}</code>
        </dd>
        <dt>where</dt>
        <dd>
          {s.zone}, {s.flavor}
        </dd>
        <dt>paid</dt>
        <dd>{charging[s.charging_mode] ?? s.charging_mode}</dd>
        <dt>tags</dt>
        <dd>{s.tags?.map((t) => <em key={t}>{t}</em>)}</dd>
        {s.locked && (
          <>
            <dt>locked</dt>
            <dd>against all actions</dd>
          </>
        )}
      </dl>
      <div class="hands">
        {["off", "stopping"].includes(stateOf(s)) ? (
          <button onClick={() => hand("start", `${s.name} was started by hand.`)}>Start by hand</button>
        ) : (
          <button onClick={() => hand("stop", `${s.name} was stopped by hand.`)}>Stop by hand</button>
        )}
        <button onClick={() => (s.locked ? hand("unlock", `${s.name} is unlocked.`) : hand("lock", `${s.name} is locked.`))}>{s.locked ? "Unlock" : "Lock"}</button>
        <button aria-pressed={Boolean(s.fails)} onClick={fail}>
          Let its actions fail
        </button>
      </div>
    </div>
  );
}
