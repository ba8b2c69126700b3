// What the browser remembers for the page, where it may.

// kept is what was kept under a key, or null. kind is localStorage, or
// sessionStorage for what belongs to this window alone.
export function kept(kind, key) {
  try {
    return window[kind].getItem(key);
  } catch {
    return null; // the person has forbidden it
  }
}

export function keep(kind, key, value) {
  try {
    window[kind].setItem(key, value);
  } catch {
    // it is known until the page is left
  }
}
