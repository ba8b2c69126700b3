// The right side: the cloud, and the room with the machines that the bot runs on.

import { Breaks } from "./breaks.jsx";
import { CallLog } from "./calls.jsx";
import { Fleet } from "./fleet.jsx";
import { Machines } from "./machines.jsx";
import { asStyle } from "./palette.js";
import { Requests } from "./requests.jsx";
import { Toasts } from "./toast.jsx";
import { Window } from "./window.jsx";

export function Room({ theme }) {
  return (
    <section class="room" aria-label="The cloud and the machine room" tabIndex={-1} style={asStyle(theme)}>
      <div class="floor">
        <div class="bench">
          <Fleet theme={theme} />
          <Window />
          <Requests />
          <Machines />
          <Breaks />
          <CallLog />
        </div>
      </div>
      <Toasts />
    </section>
  );
}
