// Links for the keyboard, seen only with the focus on them: past everything that stands
// before what one wants.

import { bring } from "./bring.js";

const skips = [
  ["Skip to the messages", "slack", ".slack :is(.thread, .channel) .scroller"],
  ["Skip to the message field", "slack", ".slack :is(.thread, .channel) textarea"],
  ["Skip to the channels", "slack", ".slack .sidebar button, .slack .drawer"],
  ["Skip to the cloud", "room", ".room"],
];

export function Skips() {
  return (
    <nav class="skips" aria-label="Skip links">
      {skips.map(([words, side, selector]) => (
        <a
          key={words}
          href="#app"
          onClick={(e) => {
            e.preventDefault();
            bring({ side, find: () => [...document.querySelectorAll(selector)].filter((x) => x.checkVisibility()).at(-1) }, { focus: true });
          }}
        >
          {words}
        </a>
      ))}
    </nav>
  );
}
