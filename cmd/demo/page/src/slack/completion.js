// What the composer offers to complete while somebody types.

import { world } from "../world.js";
import { nameOf } from "./people.js";

export const usage = "server … [--hard] [--reason text] | list | help"; // as in the app's manifest

const escaped = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);

// completions returns where the word before the caret begins, and what it could
// become: [{insert, name, hint, user}]. A word that is complete gets no offer.
export function completions(text, caret) {
  const before = text.slice(0, caret);
  const { command } = world.hello;
  if (/^\/\S*$/.test(before)) {
    const fits = command.startsWith(before) && before !== command;
    return { from: 0, offers: fits ? [{ insert: command + " ", name: command, hint: usage }] : [] };
  }
  const m = /(?:^|\s)([@#])([\w.-]*)$/.exec(before);
  if (!m) return { from: caret, offers: [] };
  const [, sign, word] = m;
  const all =
    sign === "@"
      ? world.people.map((p) => ({ insert: `@${p.name} `, name: "@" + p.name, hint: nameOf(p.id), user: p.id }))
      : world.channels.filter((c) => c.name).map((c) => ({ insert: `#${c.name} `, name: "#" + c.name, hint: "" }));
  const typed = (sign + word).toLowerCase();
  const offers = all.filter((o) => o.name !== typed && (o.name.startsWith(typed) || o.hint.toLowerCase().startsWith(word.toLowerCase())));
  return { from: caret - typed.length, offers };
}

// written is a message's text as Slack keeps it: entities, and ids for names.
// Of a command's text Slack's side does that.
export function written(text) {
  return escaped(text).replace(/(^|\s)([@#])([\w-]+(?:\.[\w-]+)*)/g, (whole, space, sign, name) => {
    const id = (sign === "@" ? world.people : world.channels).find((x) => x.name === name)?.id;
    if (!id) return whole;
    return space + (sign === "@" ? `<@${id}>` : `<#${id}|${name}>`);
  });
}
