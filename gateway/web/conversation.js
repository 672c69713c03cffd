// One conversation: how it is connected, how it comes back by itself, whether it listens, and what it is doing.
import { endTrouble, goAwayTrouble, microphoneTrouble, noticeTrouble, waitTrouble } from "./advice.js";
import { isPush, remember, remembered, sessionId } from "./choices.js";
import { SocketLink } from "./link.js";
import { Resumption, Stored } from "./resumption.js";
import { RtcLink } from "./rtc.js";
import { openMicrophone } from "./sound.js";

const BACKOFF_MS = [500, 1000, 2000, 4000, 8000, 15000, 30000];
// A connection that lasted this long was a good one, and the next wait is a short one. One that ends sooner was not: a
// server that falls as soon as it is spoken to is left in peace longer and longer.
const STEADY_MS = 5000;
const PING_MS = 5000;
// Without a word from the server, which answers pings, a line is taken to be lost; the network stack hopes for longer.
const SILENT_MS = 12_000, PROBE_MS = 2000;

const ACTIVITIES = {
  STATE_LISTENING: "listening", STATE_USER_SPEAKING: "hearing", STATE_THINKING: "thinking", STATE_SPEAKING: "speaking",
};

// Half of the wait and up to as much again at random, so that not all pages come back to a new server in the same moment.
export function backoff(tries, random = Math.random()) {
  return BACKOFF_MS[Math.min(tries, BACKOFF_MS.length - 1)] * (0.5 + random / 2);
}

export class Conversation {
  // `on`: changed() · trouble(kind, {text, action} or null) with the kinds "server", "microphone" and "notice" ·
  // said(message), whatever the server says · played(report) · level(0…1, whose) · sent(typed words) · begun() · broken()
  // `chosen()`: {persona, voice, languages, recording}
  constructor(server, chosen, on) {
    this.server = server;
    this.chosen = chosen;
    this.on = on;
    this.phase = "off";            // off, connecting, waiting (for the next try), on
    this.activity = "listening";   // listening, hearing, thinking, speaking
    this.microphone = "unused";    // unused, on, refused
    this.isYielding = false;       // the answer waits: somebody speaks over it
    this.isMuted = false;
    this.isHeld = false;           // the button of push-to-talk
    this.roundTrip = null;         // ms
    this.waitsUntil = 0;           // of performance.now(), while it waits for the next try
    this.link = null;
    this.tries = 0;
    this.attempt = 0;              // rises with each; what an older one finds out is dropped
    this.begunAt = null;
    this.goAway = "";              // why the server will end the connection
    this.stream = null;            // the microphone's; kept while the connection comes back
    this.isWanted = false;         // the microphone
    this.typed = "";               // words that wait for the connection
    this.resumption = null;        // of the conversation that goes on when the line is lost
    this.heardAt = this.askedAt = 0;   // of performance.now(): the server's last word; the ping that it answers
    setInterval(() => this.#attend(), PING_MS);
  }

  // Whether sound goes to the server: nobody is listened to unawares.
  get isListening() {
    return this.microphone === "on" && !this.isMuted && (!isPush() || this.isHeld);
  }

  get isAnswering() { return this.phase === "on" && ["thinking", "speaking"].includes(this.activity); }

  // ---------------------------------------------------------------- what the user does

  talk() {
    this.isWanted = true;
    if (this.phase === "off") this.#start();
  }

  // Works without the microphone, and before anything else was pressed.
  type(text) {
    this.typed = text;
    if (this.phase === "on") return this.#sendTyped();
    if (this.phase === "off") {
      this.isWanted = false;
      this.#start();
    }
    this.tryNow();
  }

  tryNow() {
    if (this.phase === "waiting") this.#connect();
  }

  // The network is another one: the line may be lost without anybody's having said so.
  probe() {
    if (this.phase !== "on") return this.tryNow();
    const { attempt } = this, asked = performance.now();
    this.#ping();
    setTimeout(() => {
      if (attempt === this.attempt && this.phase === "on" && this.heardAt < asked) this.#closed(1006, "");
    }, PROBE_MS);
  }

  // The page goes; another one may go on.
  remember() { if (this.resumption) Stored.keep(this.resumption); }

  // What was asked for before the token was.
  goOn() {
    if (this.phase === "off" && (this.isWanted || this.typed)) this.#start();
  }

  // The microphone, in a conversation that has none yet.
  async listen() {
    this.isWanted = true;
    if (this.phase === "off" || !(await this.#openMicrophone(this.attempt)) || !this.link) return;
    await this.link.listen(this.stream);
    this.#gate();
  }

  mute(on) {
    this.isMuted = on;
    if (on) this.link?.send({ audioEnd: {} });
    this.#gate();
  }

  interrupt() { if (this.isAnswering) this.link?.send({ interrupt: {} }); }

  endRecording() { this.link?.send({ configUpdate: { updateMask: "recording" } }); }

  // `kind`: START, END or CANCEL of push-to-talk.
  push(kind) {
    this.isHeld = kind === "START" && this.phase === "on";
    this.#gate();
    this.link?.send({ activity: { kind: `KIND_${kind}` } });
  }

  async hangUp() {
    const link = this.link;
    link?.send({ endSession: {} });
    for (const kind of ["server", "microphone", "notice"]) this.on.trouble(kind, null);
    this.typed = "";
    this.isWanted = false;
    this.#forget();
    await this.#rest();
  }

  // With other settings.
  async restart() {
    if (this.phase === "off") return;
    const isWanted = this.isWanted;
    await this.hangUp();
    this.isWanted = isWanted;
    this.#start();
  }

  // ---------------------------------------------------------------- connecting

  #start() {
    this.tries = 0;
    this.#connect();
  }

  // The trouble that is shown stays until this has gone well, or otherwise badly.
  async #connect() {
    clearTimeout(this.retry);
    const attempt = ++this.attempt;
    this.#enter("connecting");
    const refusal = await this.server.learn();
    if (attempt !== this.attempt) return;
    if (refusal) return this.#closed(refusal.code, refusal.message);
    if (this.isWanted && !this.stream) await this.#openMicrophone(attempt);
    const opus = await this.server.takesOpus();
    if (attempt !== this.attempt) return;
    this.resumption ??= new Resumption({ ...Stored.of(sessionId()), session: sessionId() });
    const link = this.link ??= this.#newLink();
    link.gate(this.isListening);
    const how = { token: remembered("token"), stream: this.stream, iceServers: this.server.iceServers, opus };
    try {
      await link.open(() => ({ ...this.#config(), ...this.resumption?.config }), how);
    } catch (error) {
      if (this.link === link) this.#closed(1006, error.message);
    }
    if (this.link === link) this.#gate();
  }

  #newLink() {
    const Link = this.server.isRtc ? RtcLink : SocketLink;
    const link = new Link({
      message: (said) => this.#receive(said),
      played: (report) => this.#played(report),
      level: (value, whose) => this.on.level(whose === "user" && !this.isListening ? 0 : value, whose),
      closed: (code, reason) => { if (this.link === link) this.#closed(code, reason); },
    }, this.resumption);
    return link;
  }

  // Whether it may be used. It may be asked for while the user hangs up: then it is let go at once.
  async #openMicrophone(attempt) {
    let stream;
    try {
      stream = await openMicrophone(remembered("device"));
    } catch (error) {
      if (attempt !== this.attempt) return false;
      this.#loseMicrophone(error);
      return false;
    }
    if (attempt !== this.attempt || this.stream) {
      for (const track of stream.getTracks()) track.stop();
      return false;
    }
    this.stream = stream;
    this.microphone = "on";
    for (const track of stream.getTracks()) {
      track.onended = () => { if (this.stream === stream) this.#loseMicrophone(new DOMException("", "LostError")); };
    }
    this.on.trouble("microphone", null);
    this.on.changed();
    return true;
  }

  #loseMicrophone(error) {
    this.#release();
    this.microphone = "refused";
    this.on.trouble("microphone", microphoneTrouble(error));
    this.on.changed();
  }

  #release() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.microphone = "unused";
  }

  #gate() {
    this.link?.gate(this.isListening);
    this.on.changed();
  }

  #config() {
    const { persona, voice, languages, recording } = this.chosen();
    return {
      sessionId: sessionId(),
      personaId: persona,
      voice: { voiceId: voice },
      languageCodes: languages,
      recording,
      turnDetection: { mode: isPush() ? "MODE_MANUAL" : "MODE_SERVER_VAD" },
    };
  }

  // ---------------------------------------------------------------- ends

  async #closed(code, reason) {
    const attempt = this.attempt;
    const wasShut = code === 1006 && this.begunAt === null && this.link;
    if (this.begunAt !== null && performance.now() - this.begunAt > STEADY_MS) this.tries = 0;
    if (reason) console.info(`the connection ended: ${code} ${reason}`);
    const end = endTrouble(code, reason, remembered("token"), this.goAway);
    this.on.trouble("notice", null);
    if (end !== undefined) {
      this.#forget();
      this.on.trouble("server", end);
      return this.#rest();
    }
    if (this.resumption?.token) this.#lose();
    else {
      this.#forget();
      this.#drop();
    }
    const why = wasShut ? await this.server.whyShut() : code;
    if (attempt !== this.attempt) return;
    this.on.trouble("server", waitTrouble(why));
    const wait = backoff(this.tries++);
    this.retry = setTimeout(() => this.#connect(), wait);
    this.waitsUntil = performance.now() + wait;
    this.#enter("waiting");
  }

  // The line; what is known of the conversation is kept.
  #lose() {
    this.begunAt = this.roundTrip = null;
    const link = this.link;
    if (!link?.isReusable) this.link = null;
    return link?.lose();
  }

  // It does not go on.
  #forget() {
    if (this.resumption) {
      this.resumption.token = "";
      Stored.keep(this.resumption);
    }
    this.resumption = null;
    this.on.broken();
  }

  #drop() {
    const link = this.link;
    this.link = this.begunAt = this.roundTrip = null;
    this.isHeld = this.isYielding = false;
    this.activity = "listening";
    return link?.close();
  }

  async #rest() {
    this.attempt++;
    clearTimeout(this.retry);
    const closing = this.#drop();
    this.#release();
    this.#enter("off");
    await closing;
  }

  #enter(phase) {
    this.phase = phase;
    this.on.changed();
  }

  // ---------------------------------------------------------------- what the server says

  #receive(said) {
    this.heardAt = performance.now();
    if (!this.resumption?.receive(said)) return;
    if (said.sessionStarted) this.#begin(said.sessionStarted);
    else if (said.resumeUpdate) Stored.keep(this.resumption);
    else if (said.turnEvent) this.#move(said.turn, said.turnEvent.state);
    else if (said.playbackControl) this.#control(said);
    else if (said.notice) this.#notice(said.notice);
    else if (said.pong) this.roundTrip = Math.round(performance.now() - Number(said.pong.id));
    else if (said.goAway) this.on.trouble("notice", goAwayTrouble(this.goAway = said.goAway.reason));
    else if (said.interrupted?.reason === "REASON_SERVER_LOST") this.link?.obey(Number(said.turn), "ACTION_FLUSH");
    this.on.said(said);
    if (said.pong) this.on.changed();
  }

  #begin({ resumed = false, lastConsumedSeq = 0 }) {
    if (this.resumption.token && !resumed) return this.#beginAnew();
    this.link.begun(Number(lastConsumedSeq));
    remember("known", sessionId());
    this.begunAt = this.askedAt = performance.now();
    this.goAway = "";
    this.on.trouble("server", null);
    this.on.begun();
    this.#enter("on");
    this.#ping();
    this.#sendTyped();
  }

  // The token is none any more, and what has begun knows nothing of what was said; the session's id does.
  async #beginAnew() {
    this.resumption.restart();
    Stored.keep(this.resumption);
    this.on.broken();
    this.link.restart();
    await this.#lose();
    this.#connect();
  }

  #move(turn, state) {
    if (["STATE_FAILED", "STATE_DISCARDED"].includes(state)) {
      this.link?.finish(Number(turn));
      this.#yield(false);
    }
    if (!ACTIVITIES[state]) return;
    if (state === "STATE_USER_SPEAKING") this.on.trouble("notice", null);
    this.activity = ACTIVITIES[state];
    this.on.changed();
  }

  // Of the gateway itself, which has no `seq`, where the line behind it is another one: nobody speaks then.
  #control({ seq, turn, playbackControl: { action, positionSamples } }) {
    this.link?.obey(Number(turn), action, Number(positionSamples ?? 0));
    if (seq) this.#yield(action === "ACTION_HOLD" || (this.isYielding && action === "ACTION_DUCK"));
  }

  #yield(on) {
    if (on === this.isYielding) return;
    this.isYielding = on;
    this.on.changed();
  }

  #notice(notice) {
    const trouble = noticeTrouble(notice);
    if (notice.reason) console.info(`notice: ${notice.reason} ${notice.message ?? ""}`);
    if (trouble) this.on.trouble("notice", trouble);
  }

  #sendTyped() {
    if (!this.typed) return;
    const text = this.typed;
    this.typed = "";
    this.on.trouble("notice", null);
    this.link.send({ text: { text } });
    this.on.sent(text);
  }

  #played(report) {
    this.resumption?.report(report.turn, report.played);
    this.on.played(report);
  }

  // By the ping, not by the clock: timers of a tab that is not looked at come once a minute.
  #attend() {
    const now = performance.now(), isAnswered = this.heardAt >= this.askedAt;
    if (this.phase === "on" && !isAnswered && now - this.askedAt > SILENT_MS) return this.#closed(1006, "");
    if (isAnswered) this.askedAt = now;
    this.#ping();
  }

  #ping() { this.link?.send({ ping: { id: String(Math.round(performance.now())) } }); }
}
