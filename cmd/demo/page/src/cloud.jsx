// Which project's cloud the room shows: the one that was chosen, else that of the
// channel at which somebody looks.

import { sit, useSeat } from "./seat.js";
import { useWorld, world } from "./world.js";

export function useCloud() {
  const { cloud, place } = useSeat();
  const { projects } = useWorld().hello;
  return (projects.find((p) => p.name === cloud) ?? projects.find((p) => p.channel === place) ?? projects[0]).name;
}

// CloudSwitch chooses the cloud.
export function CloudSwitch() {
  const shown = useCloud();
  return (
    <span class="clouds" role="group" aria-label="Cloud of the project">
      {world.hello.projects.map(({ name }) => (
        <button key={name} aria-pressed={name === shown} onClick={() => sit({ cloud: name })}>
          {name}
        </button>
      ))}
    </span>
  );
}
