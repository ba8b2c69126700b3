// What the page knows of the world, and how it acts on it.
//
// The server sends lists of changes (see live.go for all kinds). Each change
// carries the whole of what it is about, so that a change may come twice.

import { useLayoutEffect, useReducer } from "preact/hooks";

export const world = {
  connected: false,
  skew: 0, // the server's clock minus this one's, ms
  hello: null, // {run, now, limit, window_ms, me, place, team, command, projects: [{name, channel}]}
  people: [], // slacksim User, with role
  channels: [], // {id, name, members}
  groups: [], // {id, handle, users}
  messages: new Map(), // key → slacksim Message, in order of ts
  views: {}, // user → modal on top, or null
  homes: {}, // user → App Home view
  files: new Map(), // id → {id, name, title, length, channel, thread_ts}
  fleets: {}, // project → Map of id → ecssim Server, in the fleet's order
  calls: [], // to the cloud, the newest last: {n, time, project, op, count, …}
  notes: [], // what was done to the machinery: {n, time, text}
  replicas: [], // bots: {name, state, pid}
  logs: [], // lines of the bots' logs: {n, bot, level, text}
  requests: [], // as the bots' record has them: the open ones, then those that have ended, the newest first
  freeze: null,
  store: { up: true },
  slack: { up: true, sockets: [] },
  cloud: { speed: 1, most: {} }, // most: by project
  armed: [], // what was planned to break and has not struck yet: {what, project}
};

// fleetOf is the servers of a project: id → Server.
export const fleetOf = (project) => (world.fleets[project] ??= new Map());

const kept = 2000; // calls, notes and log lines, as many as the server keeps

const apply = {
  hello(c) {
    // Another world, perhaps another page: nothing of the old one stays.
    if (world.hello && world.hello.run !== c.run) return location.reload();
    Object.assign(world, { hello: c, skew: c.now - Date.now(), messages: new Map(), views: {}, homes: {}, files: new Map(), fleets: {}, calls: [], notes: [], logs: [], requests: [] });
  },
  people(c) {
    world.people = c.people;
    world.channels = c.channels;
    world.groups = c.groups;
  },
  message(c) {
    const m = c.message;
    world.messages.set([m.channel, m.ts, m.ephemeral_to ?? ""].join(" "), m);
  },
  view(c) {
    world.views[c.user] = c.view;
  },
  home(c) {
    world.homes[c.user] = c.view;
  },
  file(c) {
    world.files.set(c.file.id, c.file);
  },
  servers(c) {
    for (const s of c.servers) {
      const fleet = fleetOf(s.project);
      if (s.status === "DELETED") fleet.delete(s.id);
      else fleet.set(s.id, s);
    }
  },
  call(c) {
    push(world.calls, c.call);
  },
  note(c) {
    push(world.notes, c.note);
  },
  log(c) {
    push(world.logs, c.line);
  },
  replicas(c) {
    world.replicas = c.replicas;
  },
  requests(c) {
    world.requests = c.requests;
    world.freeze = c.freeze;
  },
  state(c) {
    world.store = c.store;
    world.slack = c.slack;
    world.cloud = c.cloud;
    world.armed = c.armed;
  },
};

// push keeps a list in order of n, once each, and short.
function push(list, item) {
  const last = list.at(-1);
  if (last && item.n <= last.n) return;
  list.push(item);
  if (list.length > kept) list.splice(0, list.length - kept);
}

const listeners = new Set(); // {kinds, call}
let changed = new Set();

function tell(kind) {
  if (changed.size === 0) requestAnimationFrame(flush);
  changed.add(kind);
}

function flush() {
  const kinds = changed;
  changed = new Set();
  for (const l of listeners) if (l.kinds.some((k) => kinds.has(k))) l.call(kinds);
}

// watch calls f, at most once a frame, after changes of these kinds. It returns
// the function that ends it. The kind "connected" tells of the line itself.
export function watch(kinds, f) {
  const l = { kinds: [...kinds, "hello"], call: f };
  listeners.add(l);
  return () => listeners.delete(l);
}

// useWorld draws a component again after changes of these kinds.
export function useWorld(...kinds) {
  const [, again] = useReducer((n) => n + 1, 0);
  useLayoutEffect(() => watch(kinds, again), []);
  return world;
}

// connect opens the line to the server while the tab is seen: a browser has six lines
// to one server, for all its tabs. The browser opens it again when it breaks.
export function connect() {
  if (document.hidden) {
    document.addEventListener("visibilitychange", connect, { once: true });
    return;
  }
  const line = new EventSource("live");
  const end = () => {
    document.removeEventListener("visibilitychange", hide);
    line.close();
  };
  const hide = () => {
    if (!document.hidden) return;
    end();
    connect();
  };
  document.addEventListener("visibilitychange", hide);
  line.onopen = () => {
    world.connected = true;
    tell("connected");
  };
  line.onerror = () => {
    world.connected = false;
    tell("connected");
    // After an answer that is no stream, the browser does not try again by itself.
    if (line.readyState !== EventSource.CLOSED) return;
    end();
    setTimeout(connect, 3000);
  };
  line.onmessage = (e) => {
    for (const c of JSON.parse(e.data)) {
      apply[c.kind]?.(c);
      tell(c.kind);
    }
  };
}

// act does something to the world: path is slack/… (what people do in Slack),
// cloud/… (the cloud's console) or demo/… (the machinery). It returns the
// answer, or throws an Error with what was refused.
export async function act(path, body = {}) {
  const r = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(15_000) }).catch(() => {
    throw new Error("The demo does not answer.");
  });
  const answer = await r.json().catch(() => ({}));
  if (!r.ok) throw new Error(answer.error ?? r.statusText);
  return answer;
}

// now is the server's time, ms.
export const now = () => Date.now() + world.skew;
