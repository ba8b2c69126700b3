// Dates as Slack words them, in this computer's time zone.

import { now } from "../world.js";

const english = (d, parts) => d.toLocaleString("en-US", parts);
const two = (n) => String(n).padStart(2, "0");

// msOf is the time of a message's ts.
export const msOf = (ts) => parseFloat(ts) * 1000;

export function clock(ms) {
  const d = new Date(ms);
  return `${two(d.getHours())}:${two(d.getMinutes())}`;
}

export const sameDay = (a, b) => new Date(a).toDateString() === new Date(b).toDateString();

// near is today, yesterday, tomorrow, or "" for other days.
function near(d) {
  const day = (x) => new Date(x.getFullYear(), x.getMonth(), x.getDate()).getTime();
  const days = Math.round((day(d) - day(new Date(now()))) / 86_400_000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? "";
}

const capital = (s) => s.charAt(0).toUpperCase() + s.slice(1);

function ordinal(n) {
  const end = n > 10 && n < 14 ? "th" : { 1: "st", 2: "nd", 3: "rd" }[n % 10] ?? "th";
  return n + end;
}

const long = (d) => `${english(d, { month: "long" })} ${ordinal(d.getDate())}`;
const thisYear = (d) => d.getFullYear() === new Date(now()).getFullYear();
const short = (d) => english(d, { month: "short", day: "numeric", ...(thisYear(d) ? {} : { year: "numeric" }) });

// dayOf names the day of a divider: Today, or Monday, November 23rd.
export function dayOf(ms) {
  const d = new Date(ms);
  return capital(near(d)) || `${english(d, { weekday: "long" })}, ${long(d)}${thisYear(d) ? "" : ", " + d.getFullYear()}`;
}

// whenOf says day and time: today at 22:04.
export function whenOf(ms) {
  const d = new Date(ms);
  return `${near(d) || short(d)} at ${clock(ms)}`;
}

function ago(d) {
  const s = Math.round((now() - d) / 1000);
  const [n, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]].map(([size, u]) => [Math.floor(Math.abs(s) / size), u]).find(([k]) => k > 0) ?? [0, "second"];
  const words = `${n} ${unit}${n === 1 ? "" : "s"}`;
  return s < 0 ? `in ${words}` : `${words} ago`;
}

const tokens = {
  date_num: (d) => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`,
  date_slash: (d) => `${two(d.getMonth() + 1)}/${two(d.getDate())}/${d.getFullYear()}`,
  date: (d) => `${long(d)}, ${d.getFullYear()}`,
  date_long: (d) => `${english(d, { weekday: "long" })}, ${long(d)}, ${d.getFullYear()}`,
  date_short: (d) => english(d, { month: "short", day: "numeric", year: "numeric" }),
  date_pretty: (d) => near(d) || `${long(d)}, ${d.getFullYear()}`,
  date_long_pretty: (d) => near(d) || tokens.date_long(d),
  date_short_pretty: (d) => near(d) || short(d),
  time: (d) => clock(d.getTime()),
  time_secs: (d) => `${clock(d.getTime())}:${two(d.getSeconds())}`,
  ago,
};

// dated fills in the tokens of <!date^seconds^format|…>.
export function dated(seconds, format) {
  const d = new Date(seconds * 1000);
  return format.replace(/\{(\w+)\}/g, (whole, name) => tokens[name]?.(d) ?? whole);
}
