// What everything inside the client needs: the theme, and a way to have the
// person confirm something.

import { createContext } from "preact";

export const Surroundings = createContext({ theme: "light", ask: async () => true });
