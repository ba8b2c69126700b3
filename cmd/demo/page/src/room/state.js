// What a server is doing, in one word, and of what kind it is.

const tasks = { "powering-off": "stopping", "powering-on": "starting", rebooting: "rebooting" };

export const stateOf = (s) => tasks[s.task_state] ?? (s.status === "SHUTOFF" ? "off" : "running");

// kindOf is the name up to its last dash: web-12 is a web.
export function kindOf(name) {
  const dash = name.lastIndexOf("-");
  return dash > 0 ? name.slice(0, dash) : name;
}

// matching tells which servers are meant by what somebody typed: a part of a
// name, a pattern with *, the beginning of an id, or a tag.
export function matching(text) {
  const q = text.trim().toLowerCase();
  const pattern = q.includes("*") && new RegExp("^" + q.split("*").map((p) => p.replace(/[^\w-]/g, "\\$&")).join(".*") + "$");
  return (s) => {
    const name = s.name.toLowerCase();
    if (pattern) return pattern.test(name);
    return name.includes(q) || s.id.startsWith(q) || s.tags?.some((t) => t.toLowerCase().startsWith(q));
  };
}
