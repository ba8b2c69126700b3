// Light or dark: what the person chose here, else what their system says.

import { useEffect, useState } from "preact/hooks";
import { keep, kept } from "./memory.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const ofSystem = () => (dark.matches ? "dark" : "light");

export function useTheme() {
  const [chosen, choose] = useState(() => kept("localStorage", "theme"));
  const [system, setSystem] = useState(ofSystem);
  useEffect(() => {
    const changed = () => setSystem(ofSystem());
    const elsewhere = (e) => (e.key === "theme" || e.key === null) && choose(kept("localStorage", "theme")); // in another tab
    dark.addEventListener("change", changed);
    addEventListener("storage", elsewhere);
    return () => {
      dark.removeEventListener("change", changed);
      removeEventListener("storage", elsewhere);
    };
  }, []);
  return [
    chosen ?? system,
    (theme) => {
      keep("localStorage", "theme", theme);
      choose(theme);
    },
  ];
}
