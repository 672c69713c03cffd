// What went wrong, in a sentence that says what a person can do about it.
export function microphoneTrouble(error) {
  return {
    NotAllowedError: "The microphone is not allowed here. Allow it beside the address of this page, then press the button again.",
    NotFoundError: "There is no microphone. Plug one in, then press the button again. You can type meanwhile.",
    NotReadableError: "Another program holds the microphone. Close it there, then press the button again.",
    OverconstrainedError: "The chosen microphone is gone. Choose another one in the settings.",
    InsecureError: "Browsers give the microphone to secure pages only. Open this page by https, or on this machine as localhost.",
  }[error.name] ?? `The microphone cannot be used: ${error.message || error.name}.`;
}

export function tokenTrouble(token) {
  return token
    ? "This is not the right token: check it in the settings, then press the button."
    : "This server asks for a token: enter it in the settings, then press the button.";
}

// A conversation that does not go on by itself; undefined where it does. Codes: gateway/closing.py.
export function endAdvice(code, reason, token) {
  return {
    1000: "", 4400: reason, 4401: tokenTrouble(token), 4429: reason,
    4403: "This token is not let in: check it in the settings, then press the button.",
    4409: "This conversation was opened in another window. Press the button to go on here.",
  }[code];
}

export function waitAdvice(code, seconds) {
  const why = { 1013: "The server is full", 4408: "The connection was too slow" }[code] ?? "The server is away";
  return `${why}. Trying again in ${seconds} s …`;
}
