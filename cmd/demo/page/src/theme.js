// Light or dark: what the person chose here, else what their system says.

import { useEffect, useState } from "preact/hooks";

const dark = matchMedia("(prefers-color-scheme: dark)");
const ofSystem = () => (dark.matches ? "dark" : "light");

export function useTheme() {
  const [chosen, choose] = useState(() => localStorage.getItem("theme"));
  const [system, setSystem] = useState(ofSystem);
  useEffect(() => {
    const changed = () => setSystem(ofSystem());
    dark.addEventListener("change", changed);
    return () => dark.removeEventListener("change", changed);
  }, []);
  return [
    chosen ?? system,
    (theme) => {
      localStorage.setItem("theme", theme);
      choose(theme);
    },
  ];
}
