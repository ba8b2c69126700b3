// Who is who, as the page sees it.

import { seat } from "../seat.js";
import { world } from "../world.js";

const slackbot = { id: "slackbot", name: "slackbot", real_name: "Slackbot", bot: true };

export const personOf = (id) => (id === slackbot.id ? slackbot : world.people.find((p) => p.id === id));

export const groupOf = (id) => world.groups.find((g) => g.id === id);

export const channelOf = (id) => world.channels.find((c) => c.id === id);

// nameOf is how a person is shown: the full name, or a bot's handle.
export function nameOf(id) {
  const p = personOf(id);
  return p?.real_name || p?.name || id;
}

// me is the person who looks. What the seat remembers may be of another run.
export const me = () => (seat.me && personOf(seat.me) ? seat.me : world.hello.me);

// place is where I look: a channel's id, or "home".
export const place = () => (seat.place === "home" || channelOf(seat.place) ? seat.place : world.hello.place);

// isMember tells if somebody may write in a channel.
export const isMember = (id, channel) => channelOf(channel)?.members.includes(id) ?? false;

// theApp is the bot's user.
export const theApp = () => world.people.find((p) => p.bot);
