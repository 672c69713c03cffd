// What is shown of the conversation's state: the words for it, the buttons that make sense, and what is wrong.
import { isPush, remembered } from "./choices.js";

const $ = (id) => document.getElementById(id);
const TROUBLES = ["server", "microphone", "notice"];   // the worst one first: one is shown at a time
const ACTIONS = { server: "Try again now", microphone: "Try again" };

// The truth about the microphone, in a word that styles and tests can ask for, and in words for people.
export function stateOf(conversation) {
  const { phase, activity, microphone, isMuted, isHeld, isYielding } = conversation;
  if (phase === "off") return ["off", ""];
  if (phase === "connecting") return ["connecting", "Connecting …"];
  if (phase === "waiting") return ["waiting", "Reconnecting"];
  if (activity === "thinking") return ["thinking", "Thinking"];
  if (activity === "speaking" && isYielding) return ["hearing", "Hearing you"];
  if (activity === "speaking") return ["speaking", isMuted ? "Speaking · you are muted" : "Speaking"];
  if (microphone === "refused") return ["no-microphone", "No microphone – type below"];
  if (microphone === "unused") return ["no-microphone", "Microphone off – type below"];
  if (isPush() && isHeld) return ["hearing", "Listening – let go to send"];
  if (isPush()) return ["ready", "Hold the button to talk"];
  if (isMuted) return ["muted", "Muted"];
  return activity === "hearing" ? ["hearing", "Hearing you"] : ["listening", "Listening"];
}

const ICONS = {
  listening: "mic", hearing: "mic", speaking: "voice", muted: "mic-off", "no-microphone": "mic-off", ready: "mic",
};

const EMPTY = {
  off: "Start talking and say something, or type below.",
  "no-microphone": "Type something below.",
  muted: "You are muted. Unmute to say something, or type below.",
  ready: "Hold the button and say something.",
};

export function show(conversation) {
  const [state, text] = stateOf(conversation);
  const { phase, microphone, isMuted } = conversation;
  const focused = document.activeElement;
  const isMicrophoneOn = microphone === "on";
  $("call").dataset.state = state;
  $("orb-icon").setAttribute("href", `#icon-${ICONS[state] ?? "none"}`);
  $("state").textContent = text;
  document.title = text ? `${text} · Talk` : "Talk";
  $("empty").textContent = EMPTY[state] ?? (phase === "on" ? "Say something." : "One moment …");
  $("now").hidden = $("end").hidden = $("stop").hidden = phase === "off";
  $("talk").hidden = phase !== "off";
  $("hold").hidden = phase === "off" || !isPush() || !isMicrophoneOn;
  $("hold").disabled = phase !== "on";
  $("hold").dataset.held = conversation.isHeld;
  $("mute").hidden = phase === "off" || !$("hold").hidden;
  $("mute").disabled = phase !== "on";
  $("mute").dataset.on = isMicrophoneOn && !isMuted;
  $("mute-label").textContent = isMicrophoneOn ? (isMuted ? "Unmute" : "Mute") : "Use mic";
  $("mute-key").hidden = !isMicrophoneOn || remembered("keys") === "off";
  $("stop").disabled = !conversation.isAnswering;
  keepFocus(focused, phase);
}

// The focus does not fall out of the page with the button that it was on, nor onto one that would hang up.
function keepFocus(focused, phase) {
  if (!$("call").contains(focused) || !(focused.hidden || focused.disabled)) return;
  (phase === "off" ? $("talk") : $("now")).focus();
}

// `roundTrip`: ms to the server and back; null where it is not known.
export function health(kind, text, roundTrip = null) {
  $("health").dataset.health = kind;
  $("health-text").textContent = text;
  $("round-trip").textContent = roundTrip === null ? "" : ` · ${roundTrip} ms`;
}

// Read out once: the same words are not written again.
export class Troubles {
  constructor() { this.all = {}; }

  // `trouble`: {text, action}, or null: over.
  set(kind, trouble) {
    if (!trouble && !this.all[kind]) return;
    this.all[kind] = trouble;
    this.shown = TROUBLES.find((each) => this.all[each]);
    const { text, action } = this.all[this.shown] ?? { text: "", action: "" };
    $("trouble").hidden = !text;
    if ($("alert").textContent !== text) $("alert").textContent = text;
    $("retry").hidden = !ACTIONS[action];
    $("retry").textContent = ACTIONS[action] ?? "";
    const isAsked = action === "token" && (kind === "server" || $("token-form").hidden);
    $("token-form").hidden = action !== "token";
    if (isAsked) {
      $("token").focus();
      $("token").select();
    }
  }

  get action() { return this.all[this.shown]?.action ?? ""; }
}

// Seconds until the next try; not read out, or it would be all that one hears.
export function countDown(until) {
  const left = Math.ceil((until - performance.now()) / 1000);
  $("countdown").textContent = left > 0 ? `Trying again in ${left} s` : "Trying again …";
}

// For whoever listens to the page, after what is being read. Emptied before, or the same words twice would be one change.
export function announce(text) {
  $("announced").textContent = "";
  requestAnimationFrame(() => { $("announced").textContent = text; });
}
