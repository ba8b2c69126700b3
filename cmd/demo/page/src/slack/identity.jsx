// The switch between the people whom this window can be.

import { sit } from "../seat.js";
import { useWorld } from "../world.js";
import { Avatar } from "./avatar.jsx";
import { Icon } from "./icon.jsx";
import { Menu } from "./menu.jsx";
import { me, nameOf, personOf } from "./people.js";

export function Identity() {
  const { people } = useWorld("people");
  const mine = me();
  const role = personOf(mine)?.role;
  return (
    <Menu
      class="identity"
      label={`You are ${nameOf(mine)}${role ? " " + role : ""}`}
      face={
        <>
          <Avatar user={mine} size={30} />
          <span class="who">
            <small>You are</small> <strong>{nameOf(mine)}</strong> <em>{role}</em>
          </span>
          <Icon of="down" size={16} />
        </>
      }
      items={people
        .filter((p) => !p.bot)
        .map((p) => ({
          key: p.id,
          checked: p.id === mine,
          pick: () => sit({ me: p.id }),
          face: (
            <>
              <Avatar user={p.id} size={30} />
              <span class="who">
                <strong>{nameOf(p.id)}</strong>
                <em>{p.role}</em>
              </span>
            </>
          ),
        }))}
    />
  );
}
