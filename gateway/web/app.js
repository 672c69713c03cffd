// The page's own state: connected or not, who speaks, what was chosen, and how it comes back by itself.
import { endAdvice, microphoneTrouble, tokenTrouble, waitAdvice } from "./advice.js";
import { SocketLink } from "./link.js";
import { isAble as isAbleOfOpus } from "./opus.js";
import { RtcLink } from "./rtc.js";
import { View } from "./view.js";

const $ = (id) => document.getElementById(id);
const CHOICES = ["persona", "voice", "language", "transport", "device", "token"];
const LANGUAGES = ["en", "de", "es", "fr", "it", "pt", "nl", "pl", "tr", "ru", "uk", "ja", "ko", "zh", "hi", "ar"];
const STATES = {
  STATE_LISTENING: "Listening", STATE_USER_SPEAKING: "Hearing you", STATE_THINKING: "Thinking", STATE_SPEAKING: "Speaking",
};
const BACKOFF = [500, 1000, 2000, 4000, 8000, 15000];
const PING_MS = 5000;
const INTERRUPT_AFTER = "0.2s";   // of speech; where echo is cancelled less of it is an accident than the server reckons with

const view = new View($("log"), $("empty"));
let link = null;
let wanted = false;      // the user wants to be connected
let isMuted = false;
let tries = 0;
let retry = 0;
let info = { webrtc: false, ice_servers: [] };
let learned = null;      // what there is to choose from: asked for once, and again until it is known

// ---------------------------------------------------------------- what is remembered in this browser

const remembered = (key) => localStorage.getItem(`talk.${key}`) ?? "";
const remember = (key, value) => localStorage.setItem(`talk.${key}`, value);

function sessionId() {
  if (!remembered("session")) remember("session", `web-${crypto.getRandomValues(new BigUint64Array(2)).join("-")}`);
  return remembered("session");
}

// ---------------------------------------------------------------- what is shown

function alertWith(text) {
  $("alert").textContent = text;
  $("alert").hidden = !text;
}

function health(kind, text) {
  $("health").dataset.health = kind;
  $("health-text").textContent = text;
}

function show(state) {
  const button = $("talk");
  button.dataset.state = state;
  $("talk-label").textContent = wanted ? ($("push").checked ? "Hold to talk" : "Hang up") : "Start talking";
  $("mute").disabled = $("stop").disabled = !link?.isOpen;
  $("end").hidden = !wanted || !$("push").checked;
}

function level(value, whose) {
  const speaks = $("talk").dataset.state === "speaking";
  if ((whose === "agent") === speaks) $("talk").style.setProperty("--level", Math.min(1, value * 1.6).toFixed(2));
}

// ---------------------------------------------------------------- connecting

async function connect() {
  clearTimeout(retry);
  alertWith("");
  show("connecting");
  health("busy", "Connecting …");
  await (info.server ? learned : learned = learn());
  if (!wanted || link) return;
  const Link = remembered("transport") === "rtc" && info.webrtc ? RtcLink : SocketLink;
  link = new Link({ opened, message, level, played, closed });
  const how = {
    token: remembered("token"), deviceId: remembered("device"), listens: true, iceServers: iceServers(), opus: await takesOpus(),
  };
  try {
    await link.open(config(), how);
  } catch (error) {
    if (!(error instanceof DOMException)) return closed(4503, "The server cannot be reached.");
    alertWith(microphoneTrouble(error));
    await link.close();
    await typeOnly(Link, how);
  }
}

// Without a microphone there is still the keyboard.
async function typeOnly(Link, how) {
  link = new Link({ opened, message, level, played, closed });
  try {
    await link.open(config(), { ...how, listens: false });
  } catch {
    closed(4503, "The server cannot be reached.");
  }
}

function config() {
  const language = remembered("language");
  return {
    sessionId: sessionId(),
    personaId: remembered("persona"),
    voice: { voiceId: remembered("voice") },
    languageCodes: language ? language.split(",") : [],
    turnDetection: { mode: $("push").checked ? "MODE_MANUAL" : "MODE_SERVER_VAD", interruptAfter: INTERRUPT_AFTER },
  };
}

async function takesOpus() {
  const isKnown = (encodings) => encodings?.includes("AUDIO_ENCODING_OPUS_PACKET");
  const { inputEncodings, outputEncodings } = info.server ?? {};
  return remembered("transport") !== "pcm" && isKnown(inputEncodings) && isKnown(outputEncodings) && isAbleOfOpus();
}

function iceServers() {
  return info.ice_servers.map((text) => {
    const [, scheme, user, password, address] = /^(\w+):(?:([^:@]*):([^@]*)@)?(.*)$/.exec(text) ?? [];
    return user ? { urls: `${scheme}:${address}`, username: user, credential: password } : { urls: text };
  });
}

function opened() {
  tries = 0;
  if (isMuted) link.mute(true);
}

async function disconnect() {
  wanted = false;
  clearTimeout(retry);
  const closing = link;
  link = null;
  closing?.send({ endSession: {} });
  await closing?.close();
  $("state").textContent = "";
  health("off", "Not connected");
  show("off");
}

function closed(code, reason) {
  const old = link;
  link = null;
  old?.close();
  $("state").textContent = "";
  const advice = endAdvice(code, reason, remembered("token"));
  if (code === 1000 || advice !== undefined || !wanted) {
    wanted = false;
    alertWith(advice ?? "");
    if (code === 4401 || code === 4403) openSettings(true);
    health(advice ? "bad" : "off", "Not connected");
    return show("off");
  }
  const wait = BACKOFF[Math.min(tries++, BACKOFF.length - 1)] * (0.8 + Math.random() * 0.4);
  alertWith(waitAdvice(code, Math.ceil(wait / 1000)));
  health("bad", "Reconnecting");
  show("connecting");
  retry = setTimeout(connect, wait);
}

// ---------------------------------------------------------------- what the server says

function message(said) {
  const turn = said.turn;
  if (said.sound) view.placed(turn, said.sound.segment, said.sound.offset);
  else if (said.sessionStarted) begun();
  else if (said.transcript) view.heard(said.transcript.text ?? "", said.transcript.isFinal ?? false);
  else if (said.responseText) view.said(turn, said.responseText.segmentIndex ?? 0, said.responseText.delta ?? "");
  else if (said.turnEvent) moved(turn, said.turnEvent.state);
  else if (said.interrupted) view.cut(said.interrupted.turn ?? turn, said.interrupted.heardText ?? "");
  else if (said.playbackControl) controlled(turn, said.playbackControl.action);
  else if (said.turnMetrics) view.measured(turn, said.turnMetrics);
  else if (said.notice) noticed(said.notice);
  else if (said.pong) health("ok", `Connected · ${Math.round(performance.now() - Number(said.pong.id))} ms`);
  else if (said.goAway) alertWith("The server will restart soon; the conversation goes on by itself.");
}

function begun() {
  remember("known", sessionId());
  health("ok", "Connected");
  show("listening");
  ping();
}

function moved(turn, state) {
  if (STATES[state]) {
    $("state").textContent = STATES[state];
    show({ STATE_SPEAKING: "speaking", STATE_THINKING: "thinking" }[state] ?? "listening");
  } else if (state === "STATE_COMPLETED" || state === "STATE_FAILED") view.completed(turn);
  else if (state === "STATE_DISCARDED") view.heard("", true);
}

function controlled(turn, action) {
  if (action === "ACTION_FLUSH") link?.flush(Number(turn));
  else link?.duck(action === "ACTION_DUCK");
}

function noticed({ reason, message: text }) {
  if (["ENGINE_FALLBACK", "INPUT_DROPPED", "NOT_AVAILABLE"].includes(reason)) return;
  alertWith(text);
}

function played({ turn, played: samples, rate, isOver }) {
  view.played(String(turn), samples, rate, isOver);
}

function ping() { link?.send({ ping: { id: String(Math.round(performance.now())) } }); }

setInterval(ping, PING_MS);

// ---------------------------------------------------------------- what the user does

function pushes(kind) { link?.send({ activity: { kind: `KIND_${kind}` } }); }

$("talk").addEventListener("click", () => {
  if (wanted && $("push").checked) return;   // held, not clicked
  if (wanted) return disconnect();
  wanted = true;
  connect();
});

$("end").addEventListener("click", disconnect);

for (const [event, kind] of [["pointerdown", "START"], ["pointerup", "END"], ["pointercancel", "CANCEL"]]) {
  $("talk").addEventListener(event, () => { if (link?.isOpen && $("push").checked) pushes(kind); });
}

$("mute").addEventListener("click", () => {
  isMuted = !isMuted;
  $("mute").setAttribute("aria-pressed", isMuted);
  $("mute").querySelector(".label").textContent = isMuted ? "Unmute" : "Mute";
  link?.mute(isMuted);
});

$("stop").addEventListener("click", () => link?.send({ interrupt: {} }));

$("typing").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("words").value.trim();
  if (!text) return;
  if (!link?.isOpen) return alertWith("Press the button first: there is nobody to send this to.");
  $("words").value = "";
  view.typed(text);
  link.send({ text: { text } });
});

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, select, textarea");
  if (event.key === "Escape") link?.send({ interrupt: {} });
  if (isTyping || event.repeat || event.ctrlKey || event.metaKey) return;
  if (event.key === "m" && !$("mute").disabled) $("mute").click();
  if (event.key === " " && wanted && $("push").checked) { event.preventDefault(); pushes("START"); }
});

document.addEventListener("keyup", (event) => {
  const isTyping = event.target.closest?.("input, select, textarea");
  if (!isTyping && event.key === " " && wanted && $("push").checked) { event.preventDefault(); pushes("END"); }
});

// ---------------------------------------------------------------- settings

function openSettings(on) {
  $("settings").hidden = !on;
  $("settings-button").setAttribute("aria-expanded", on);
  if (on) listDevices();
}

$("settings-button").addEventListener("click", () => openSettings($("settings").hidden));

async function again() {
  if (!wanted) return;
  await disconnect();
  wanted = true;
  connect();
}

for (const name of CHOICES) {
  $(name).value = remembered(name) || $(name).value;
  $(name).addEventListener("change", async () => {
    remember(name, $(name).value);
    if (name === "token") await (learned = learn());
    again();
  });
}

$("push").checked = remembered("push") === "on";
$("push").addEventListener("change", () => { remember("push", $("push").checked ? "on" : ""); again(); });

$("forget").addEventListener("click", () => {
  remember("session", "");
  view.clear();
  again();
});

async function listDevices() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  options($("device"), devices.filter((each) => each.kind === "audioinput" && each.deviceId)
    .map((each, n) => [each.deviceId, each.label || `Microphone ${n + 1}`]), remembered("device"));
}

function options(select, entries, chosen) {
  select.replaceChildren(select.options[0], ...entries.map(([value, text]) => new Option(text, value)));
  select.value = chosen;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
}

// What there is to choose from, and what was said before in this conversation.
async function learn() {
  const token = remembered("token");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  try {
    const answer = await fetch("/v1/info", { headers });
    if (answer.status === 401) {
      openSettings(true);
      return alertWith(tokenTrouble(token));
    }
    if (!answer.ok) throw new Error((await answer.json()).error?.message ?? answer.statusText);
    info = await answer.json();
  } catch (error) {
    return alertWith(`The server cannot be asked: ${error.message}`);
  }
  if (!wanted) alertWith("");
  options($("persona"), info.personas.map((each) => [each.personaId, each.name]), remembered("persona"));
  options($("voice"), info.voices.map((each) => [each.voiceId, `${each.voiceId} (${each.languageCode})`]), remembered("voice"));
  const known = LANGUAGES.filter((tag) => info.server.languages?.includes(tag));
  const names = new Intl.DisplayNames([navigator.language], { type: "language" });
  const detected = known.length > 1 ? [[known.slice(0, 8).join(","), "Whichever I speak"]] : [];
  options($("language"), [...detected, ...known.map((tag) => [tag, names.of(tag)])], remembered("language"));
  $("transport").namedItem("rtc").disabled = !info.webrtc;
  if (!remembered("session") || remembered("known") !== sessionId()) return;
  const history = await fetch(`/v1/sessions/${encodeURIComponent(sessionId())}`, { headers });
  if (history.ok) view.restore((await history.json()).messages ?? []);
}

// A tab that wakes up does not wait for the rest of the backoff.
document.addEventListener("visibilitychange", () => { if (!document.hidden && wanted && !link) connect(); });

// For whoever tests this page, or is curious.
window.talk = { get link() { return link; }, view };

show("off");
learned = learn();
