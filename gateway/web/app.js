// The page put together: what the user does goes to the conversation, and what comes of it is shown.
import { endTrouble, waitTrouble } from "./advice.js";
import { isPush, remember, remembered } from "./choices.js";
import { Consent } from "./consent.js";
import { Conversation, backoff } from "./conversation.js";
import { PushToTalk } from "./push.js";
import { Server } from "./server.js";
import { Settings } from "./settings.js";
import { Troubles, announce, countDown, health, show } from "./status.js";
import { View } from "./view.js";

const $ = (id) => document.getElementById(id);
const COUNT_MS = 250;

const view = new View($("log"), $("empty"));
const troubles = new Troubles();
const server = new Server();
const settings = new Settings({ changed: () => conversation.restart(), keys: () => changed(), forgotten, tokenForgotten });
const consent = new Consent({ given: () => conversation.restart(), withdrawn: () => conversation.endRecording() });
const conversation = new Conversation(server, () => ({ ...settings.chosen(), recording: consent.isGiven }), {
  changed,
  trouble: (kind, trouble) => troubles.set(kind, trouble),
  said,
  played: ({ turn, played, rate, isOver }) => view.played(String(turn), played, rate, isOver),
  level,
  sent,
  begun,
  broken: () => { push.forget(); view.broken(); },
});
const push = new PushToTalk($("hold"), () => isPush() && !$("hold").disabled && !$("hold").hidden, {
  press: () => conversation.push("START"),
  release: () => conversation.push("END"),
  cancel: () => conversation.push("CANCEL"),
});

// ---------------------------------------------------------------- before a conversation

let preparing = { tries: 0, timer: 0, until: 0 };

// Until it is known what there is to choose from. A server that is away is asked again, with longer and longer waits.
async function prepare() {
  clearTimeout(preparing.timer);
  const refusal = await server.learn();
  if (conversation.phase !== "off") return;   // it has learned the same, and shows it
  if (!refusal) return prepared();
  console.info(`the server cannot be asked: ${refusal.code} ${refusal.message}`);
  const end = endTrouble(refusal.code, refusal.message, remembered("token"));
  troubles.set("server", end ?? waitTrouble(refusal.code));
  health("bad", "Not connected");
  if (end) return;
  const wait = backoff(preparing.tries++);
  preparing.until = performance.now() + wait;
  preparing.timer = setTimeout(prepare, wait);
}

async function prepared() {
  preparing.tries = 0;
  troubles.set("server", null);
  settings.know(server.info);
  changed();
  const messages = await server.history();
  if (view.isEmpty && messages.length) view.restore(messages);
}

// ---------------------------------------------------------------- what is shown

function changed() {
  show(conversation);
  const { phase, roundTrip } = conversation;
  consent.show(phase);
  if (phase === "on") health("ok", "Connected", roundTrip);
  else if (phase === "connecting") health("busy", "Connecting …");
  else if (phase === "waiting") health("bad", "Reconnecting");
  else if (troubles.shown === "server") health("bad", "Not connected");
  else if (server.info) health("ok", "Ready");
  else health("off", "Not connected");
  keepAwake(phase !== "off");
}

function begun() {
  settings.know(server.info);
  announce("Connected.");
}

function said({ turn, ...message }) {
  consent.receive(message);
  if (message.sound) view.placed(turn, message.sound.segment, message.sound.offset);
  else if (message.transcript) heard(message.transcript);
  else if (message.responseText) view.said(turn, message.responseText.segmentIndex ?? 0, message.responseText.delta ?? "");
  else if (message.turnEvent) moved(turn, message.turnEvent.state);
  else if (message.interrupted) cut(turn, message.interrupted);
  else if (message.turnMetrics) view.measured(turn, message.turnMetrics);
}

// An answer whose server was lost goes on in the next turn, and nobody hears where.
function cut(turn, { turn: ofTurn = turn, reason, heardText = "" }) {
  if (reason === "REASON_SERVER_LOST") view.lost(ofTurn, heardText);
  else view.cut(ofTurn, heardText);
}

// What was understood is nowhere to be heard, so it is announced; the answer is spoken anyway.
function heard({ text = "", isFinal = false, stableCharacters = 0, languageCode }) {
  view.heard(text, isFinal, stableCharacters, languageCode);
  if (isFinal && text.trim()) announce(`You said: ${text}`);
}

function moved(turn, state) {
  if (state === "STATE_DISCARDED") view.heard("", true);
  if (state !== "STATE_COMPLETED" && state !== "STATE_FAILED") return;
  const unheard = view.completed(turn);
  if (unheard) announce(unheard);
}

function sent(text) {
  view.typed(text);
  if ($("words").value.trim() === text) $("words").value = "";
}

function level(value, whose) {
  const isSpeaking = conversation.activity === "speaking";
  if ((whose === "agent") === isSpeaking) $("orb").style.setProperty("--level", Math.min(1, value * 1.6).toFixed(2));
}

setInterval(() => {
  if (troubles.action === "server") countDown(conversation.phase === "off" ? preparing.until : conversation.waitsUntil);
  else $("countdown").textContent = "";
}, COUNT_MS);

let lock = null;

// A phone does not lock its screen in a call, which would end it. Not every browser can, and none must.
async function keepAwake(on) {
  if (!navigator.wakeLock || document.hidden || Boolean(lock) === on) return;
  const held = lock;
  lock = on ? navigator.wakeLock.request("screen").catch(() => null) : null;
  (await held)?.release();
}

// ---------------------------------------------------------------- what the user does

$("talk").addEventListener("click", () => conversation.talk());
$("end").addEventListener("click", () => conversation.hangUp());
$("stop").addEventListener("click", () => conversation.interrupt());

$("mute").addEventListener("click", () => {
  if (conversation.microphone === "on") conversation.mute(!conversation.isMuted);
  else conversation.listen();
});

$("typing").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("words").value.trim();
  if (text) conversation.type(text);
});

$("retry").addEventListener("click", () => {
  if (troubles.action === "microphone") return conversation.phase === "off" ? conversation.talk() : conversation.listen();
  return conversation.phase === "off" ? prepare() : conversation.tryNow();
});

$("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  remember("token", $("token").value.trim());
  server.forget();
  await prepare();
  if (!server.info) return announce($("alert").textContent);   // again, in the same words
  $("token").value = "";
  health("ok", "The token is right");
  $("talk").focus();
  conversation.goOn();
});

async function forgotten() {
  remember("session", "");
  await conversation.restart();
  view.clear();
  changed();
}

async function tokenForgotten() {
  consent.forget();
  await conversation.hangUp();
  server.forget();
  await prepare();
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("dialog")) return;
  if (event.key === "Escape") conversation.interrupt();
  const isTyping = event.target.closest?.("input, select, textarea");
  const isShortcut = !isTyping && remembered("keys") !== "off" && !$("mute").hidden && !$("mute").disabled;
  if (isShortcut && event.key.toLowerCase() === "m") $("mute").click();
});

// Who comes back to the tab, or to the network, does not wait for the rest of the backoff.
function wake() {
  if (document.hidden) return;
  lock = conversation.phase === "off" ? lock : null;   // the browser let it go with the tab
  changed();
  if (conversation.phase === "off" && troubles.action === "server") prepare();
  else conversation.probe();
}
document.addEventListener("visibilitychange", wake);
window.addEventListener("online", wake);
window.addEventListener("pagehide", () => conversation.remember());

// For whoever tests this page, or is curious.
window.talk = { get link() { return conversation.link; }, conversation, view, server };

changed();
prepare();
