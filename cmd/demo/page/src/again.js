// Components that are drawn again when something outside of them has changed.

import { useLayoutEffect, useReducer } from "preact/hooks";

// useAgain has the component drawn again by whoever calls the listeners.
export function useAgain(listeners) {
  const [, again] = useReducer((n) => n + 1, 0);
  useLayoutEffect(() => {
    listeners.add(again);
    return () => listeners.delete(again);
  }, []);
}
