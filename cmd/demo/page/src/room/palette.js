// The colours of the states, in light and dark. A canvas cannot use the style
// sheet's variables, so the style sheet gets them from here.

const palettes = {
  light: {
    bed: "#ffffff",
    running: "#3aa58c",
    stopping: "#d9820b",
    off: "#262d38",
    hollow: "#414a59",
    starting: "#2a70c2",
    dawn: "#cfe2f8",
    failing: "#c01343",
    lock: "#12343b",
  },
  dark: {
    bed: "#1a1d21",
    running: "#2e9a80",
    stopping: "#f0a73c",
    off: "#97a1b1",
    hollow: "#333b46",
    starting: "#58a6ff",
    dawn: "#173454",
    failing: "#ff6b7d",
    lock: "#06181a",
  },
};

export const palette = (theme) => palettes[theme] ?? palettes.light;

// asStyle gives the colours to the style sheet: --running and so on.
export const asStyle = (theme) => Object.fromEntries(Object.entries(palette(theme)).map(([name, colour]) => ["--" + name, colour]));
