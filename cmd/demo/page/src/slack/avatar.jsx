// An avatar: a rounded square with initials; apps have a picture of their own.

import { world } from "../world.js";
import { nameOf, personOf } from "./people.js";

const colours = ["#2f6f8f", "#8a3b6b", "#3e7a44", "#a3512b", "#5b4aa0", "#1f7a74", "#9a2f3f", "#6b6224"];

// colourOf gives everybody a colour of their own, the same each time.
const colourOf = (id) => colours[Math.max(0, world.people.findIndex((p) => p.id === id)) % colours.length];

function initials(name) {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : ""].map((w) => w?.[0] ?? "").join("").toUpperCase();
}

export function Avatar({ user, size = 36 }) {
  if (user === "slackbot") return <Picture size={size} ground="#611f69" lines="M10 5v4M22 5v4M8 12h16v11H8zM13 16.5v1.5M19 16.5v1.5" />;
  if (personOf(user)?.bot) return <Picture size={size} ground="#1f2937" lines="M16 7v9M11 10.5a8 8 0 1 0 10 0" />;
  return (
    <span class="avatar" aria-hidden="true" data-initials={initials(nameOf(user))} style={{ width: size, height: size, fontSize: Math.max(12, size * 0.42), background: colourOf(user) }} />
  );
}

function Picture({ size, ground, lines }) {
  return (
    <svg class="avatar" aria-hidden="true" width={size} height={size} viewBox="0 0 32 32" style={{ background: ground }}>
      <path d={lines} fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
