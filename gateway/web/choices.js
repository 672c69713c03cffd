// What was chosen, kept in this browser; what it does not keep for pages is kept until the tab is closed.
const PREFIX = "talk.";
const unkept = new Map();

export function remembered(key) {
  if (unkept.has(key)) return unkept.get(key);
  try {
    return localStorage.getItem(PREFIX + key) ?? "";
  } catch {
    return "";   // storage is forbidden here: a SecurityError
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(PREFIX + key, value);
    unkept.delete(key);
  } catch {
    unkept.set(key, value);   // forbidden, or full
  }
}

export function sessionId() {
  if (!remembered("session")) remember("session", `web-${crypto.getRandomValues(new BigUint64Array(2)).join("-")}`);
  return remembered("session");
}

export const isPush = () => remembered("push") === "on";
