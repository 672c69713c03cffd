// What went wrong, in a sentence that says what a person can do about it, and the action that is offered beside it:
// "token" (a field for one), "microphone" and "server" (a button that tries again), or none.

// Where something listens is for the log: a person can do nothing with it, and a stranger should not learn it.
const ADDRESSES = [
  /\b[a-z][a-z0-9+.-]*:\/\/[^\s,;)'"]+/gi,                 // URLs
  /\b(?:ipv4|ipv6|unix|dns):[^\s,;)'"]+/gi,                // targets as gRPC writes them
  /\[[0-9a-f:.]{2,}\](?::\d+)?/gi,                         // IPv6
  /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g,                 // IPv4
  /\b(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::\d+)/gi,  // host:port
  /\b[a-z][a-z0-9-]*:\d{2,5}\b/gi,
];

export const withoutAddresses = (text) => ADDRESSES.reduce((rest, address) => rest.replace(address, "…"), text);

const TYPE = "You can type meanwhile.";

export function microphoneTrouble(error) {
  const text = {
    NotAllowedError: `The microphone is not allowed here. Allow it beside the address of this page, then try again. ${TYPE}`,
    NotFoundError: `There is no microphone. Plug one in, then try again. ${TYPE}`,
    NotReadableError: `Another program holds the microphone. Close it there, then try again. ${TYPE}`,
    OverconstrainedError: `The chosen microphone is gone. Choose another one in the settings, or plug it in and try again. ${TYPE}`,
    InsecureError: `Browsers give the microphone to secure pages only: open this page by https, or on this machine as localhost. ${TYPE}`,
    LostError: `The microphone is gone. Plug it in, then try again. ${TYPE}`,
  }[error.name] ?? `The microphone cannot be used (${error.message || error.name}). ${TYPE}`;
  return { text, action: error.name === "InsecureError" ? "" : "microphone" };
}

export function tokenTrouble(token) {
  const text = token ? "This is not the right token." : "This server asks for a token.";
  return { text, action: "token" };
}

const IDLE = "nothing was said for a long while";

// GoAway: the server will end this connection. `reason`: drain, max_age or idle.
export function goAwayTrouble(reason) {
  const text = reason === "idle"
    ? `The conversation ends soon: ${IDLE}.`
    : "The server will restart soon; the conversation goes on by itself.";
  return { text, action: "" };
}

// An end from which the conversation does not come back by itself: null where there is nothing to say about it, undefined
// where it does come back. `goAway`: the reason of the one before, if any. Codes: gateway/close_codes.py.
export function endTrouble(code, reason, token, goAway = "") {
  const told = (text) => ({ text: withoutAddresses(text), action: "" });
  switch (code) {
    case 1000: return goAway === "idle" ? told(`The conversation has ended: ${IDLE}.`) : null;
    case 4400: return told(`The server did not take what was chosen: ${reason}`);
    case 4401: return tokenTrouble(token);
    case 4403: return { text: "This token is not let in here.", action: "token" };
    case 4409: return told("This conversation was opened in another window. Start talking to go on here.");
    case 4429: return told(reason || "Too much came in at once.");
    default: return undefined;
  }
}

// Of a server that is asked again and again until it is back.
export function waitTrouble(code) {
  const text = {
    1001: "The voice server restarts. The conversation goes on by itself.",
    1006: "The connection is lost.",
    1011: "The voice server has failed.",
    1013: "The voice server is full.",
    4408: "The connection is too slow.",
    4503: "The voice server is not running.",
  }[code] ?? "The voice server is away.";
  return { text, action: "server" };
}

const STAGES = {
  STAGE_STT: "What you say cannot be understood at the moment",
  STAGE_LLM: "The part that thinks does not answer at the moment",
  STAGE_TTS: "The part that speaks does not answer at the moment",
};
const UNTOLD = ["ENGINE_FALLBACK", "INPUT_DROPPED", "NOT_AVAILABLE"];   // nothing that a person notices or can change

// What the server says about a conversation that goes on; undefined: nothing for people.
export function noticeTrouble({ stage, reason = "", message = "" }) {
  if (UNTOLD.includes(reason)) return undefined;
  if (reason === "RECORDING_STOPPED") return { text: "The recording has ended; the conversation goes on.", action: "" };
  const isEngine = reason.startsWith("ENGINE_") && reason !== "ENGINE_BLOCKED" && STAGES[stage];
  return { text: isEngine ? `${STAGES[stage]}. Try once more.` : withoutAddresses(message), action: "" };
}
