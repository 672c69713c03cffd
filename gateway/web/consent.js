// Whether the conversation may be recorded, which its user alone decides, and whether it is, which the server says.
// Kept in the tab: nobody allows it for whoever uses this browser next, and a page that is loaded anew still may be.
import { announce } from "./status.js";

const $ = (id) => document.getElementById(id);
const KEY = "talk.recording";

export class Consent {
  // `on`: given(), from now on · withdrawn(), of a conversation that is recorded, or may be
  constructor(on) {
    this.on = on;
    this.isRecorded = false;
    $("recording").checked = read() === "allowed";
    $("recording").addEventListener("change", () => {
      write(this.isGiven ? "allowed" : "");
      on[this.isGiven ? "given" : "withdrawn"]();
    });
  }

  get isGiven() { return $("recording").checked; }

  // By somebody who goes away.
  forget() {
    $("recording").checked = false;
    write("");
  }

  // What the server says of it, in whichever message. It may have begun with what was taken back meanwhile.
  receive({ sessionStarted, configApplied, notice }) {
    if (sessionStarted) this.#know(sessionStarted.recording === true);
    else if (configApplied) this.#know(configApplied.effectiveConfig?.recording === true);
    else if (notice?.reason === "RECORDING_STOPPED") this.#know(false);
    if (sessionStarted && this.isRecorded && !this.isGiven) this.on.withdrawn();
  }

  // `phase`: of the conversation.
  show(phase) {
    if (phase === "off") this.isRecorded = false;
    const isKnown = ["on", "waiting"].includes(phase);
    const told = this.isRecorded ? "This conversation is recorded." : "This conversation is not recorded.";
    $("recorded").hidden = !this.isRecorded;
    $("recording-about").textContent = isKnown ? told : "Once it has begun, it is said here whether the server records.";
  }

  #know(isRecorded) {
    if (isRecorded && !this.isRecorded) announce("Connected. This conversation is recorded.");
    this.isRecorded = isRecorded;
    this.show("on");
  }
}

function read() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";   // storage is forbidden here: asked for anew by each page
  }
}

function write(value) {
  try {
    sessionStorage.setItem(KEY, value);
  } catch {
    // Forbidden, or full: the box alone has it.
  }
}
