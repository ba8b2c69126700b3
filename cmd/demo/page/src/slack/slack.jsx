// The Slack look-alike: one person's client.

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { useSeat } from "../seat.js";
import { useWorld } from "../world.js";
import { Channel } from "./channel.jsx";
import { Confirm } from "./confirm.jsx";
import { Home } from "./home.jsx";
import { Identity } from "./identity.jsx";
import { Modal } from "./modal.jsx";
import { me, place } from "./people.js";
import { DrawerButton, Sidebar } from "./sidebar.jsx";
import { Surroundings } from "./surroundings.js";

export function Slack({ theme }) {
  const { views, hello, people } = useWorld("people", "view");
  const seat = useSeat();
  const [drawer, setDrawer] = useState(false); // on a narrow screen: the sidebar is open
  const [question, setQuestion] = useState(null);
  const ask = useCallback((confirm) => new Promise((answer) => setQuestion({ confirm, answer })), []);
  const surroundings = useMemo(() => ({ theme, ask }), [theme, ask]);
  useEffect(() => {
    question?.answer(false);
    setQuestion(null);
  }, [seat.me]);
  if (!people.length) return <section class="slack" aria-label="Slack" />;
  const view = views[me()];
  const here = place();
  return (
    <Surroundings.Provider value={surroundings}>
      <section class="slack" aria-label="Slack">
        <div class="client" data-drawer={drawer} inert={Boolean(view || question)} onKeyDown={(e) => e.key === "Escape" && setDrawer(false)}>
          <div class="team">
            <DrawerButton open={drawer} onClick={() => setDrawer(!drawer)} />
            <h1>{hello.team}</h1>
            <Identity />
          </div>
          <Sidebar onGo={() => setDrawer(false)} />
          {drawer && <div class="veil" onClick={() => setDrawer(false)} />}
          {here === "home" ? <Home /> : <Channel key={me() + here} id={here} />}
        </div>
        {view && <Modal key={view.id} view={view} asking={Boolean(question)} />}
        {question && (
          <Confirm
            confirm={question.confirm}
            answer={(yes) => {
              setQuestion(null);
              question.answer(yes);
            }}
          />
        )}
      </section>
    </Surroundings.Provider>
  );
}
