// A conversation over one WebSocket after the other: the dialect `voice.v1.json`, sound in binary frames of a 24-byte
// header. Microphone and loudspeaker stay open while the line is away: what is said is kept, what is here is played.
import { DECODED_HZ, OpusDecoder, OpusEncoder } from "./opus.js";
import { Capture, INPUT_HZ, OUTPUT_HZ, Playout } from "./sound.js";

const HEADER = 24, IS_LAST = 1, HAS_OFFSET = 2, HAS_SEQ = 8;
const MAX_WAITING = { pcm: 320000, opus: 60000 };   // bytes: ten seconds of sound that the network does not take

export class SocketLink {
  // `on`: message(object), level(0…1, whose), played(report), closed(code, reason)
  // `resumption`: numbers what is sent, and keeps it.
  constructor(on, resumption) {
    this.on = on;
    this.resumption = resumption;
    this.isOver = false;
    this.isListening = true;
    this.isGoing = false;   // what is said is sent at once; else once the server has begun
    this.heard = 0;
  }

  get isReusable() { return !this.isOver; }

  // `config()`: asked for as it is sent. `stream`: the microphone's; null without one. `opus`: whether the server and
  // this browser can. Again, after `lose`.
  async open(config, how) {
    if (!this.kind) await this.#prepare(how);
    else if (how.stream && !this.capture) await this.listen(how.stream);
    if (this.isOver) return this.#release();   // hung up meanwhile
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = this.socket = new WebSocket(`${scheme}//${location.host}/v1/ws`, "voice.v1.json");
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#begin(socket, config, how.token);
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = ({ code, reason }) => this.on.closed(code, reason);
  }

  async #prepare({ stream, opus }) {
    this.kind = opus ? "opus" : "pcm";
    this.rate = opus ? DECODED_HZ : OUTPUT_HZ;
    const failed = (error) => this.on.closed(1006, error.message);
    if (opus) {
      this.encoder = new OpusEncoder((packet, offset) => this.#send(packet, offset), failed);
      const play = (samples, { turn, last, offset }) => this.playout.play(turn, samples, last, offset);
      this.decoder = new OpusDecoder(play, failed);
    }
    this.playout = await Playout.open(this.rate, (report) => this.#report(report));
    if (stream) await this.listen(stream);
  }

  // The line is gone; `open` brings another one.
  lose() {
    this.isGoing = false;
    this.playout?.goOn();
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }

  // The server has begun, and has taken care of requests up to this one.
  begun(lastConsumed) {
    this.playout?.goOn();
    if (!this.isGoing) this.#goOn(this.resumption.resumed(lastConsumed));   // else a new one, which was spoken to at once
  }

  // Another conversation will begin.
  restart() { this.playout?.restart(); }

  #goOn(kept) {
    this.isGoing = true;
    for (const each of kept) this.#deliver(each);
  }

  // The token goes in the first message, since a subprotocol, the other way for pages, cannot hold every token.
  // What plays waits from then on until the server has begun: one that has to say the rest anew says it from there.
  async #begin(socket, configOf, token) {
    if (this.resumption.token) await this.playout.stop();
    if (this.socket !== socket) return;
    const config = configOf();
    const encoding = this.kind === "opus" ? "AUDIO_ENCODING_OPUS_PACKET" : "AUDIO_ENCODING_PCM_S16LE";
    const format = (sampleRateHz) => ({ encoding, sampleRateHz, channels: 1 });
    const capabilities = { echoCancellation: true, playbackReports: true, playbackControl: true };
    const authorization = token ? { authorization: `Bearer ${token}` } : {};
    const whole = { ...config, inputAudio: format(INPUT_HZ), outputAudio: format(this.rate), capabilities };
    socket.send(JSON.stringify({ ...authorization, seq: this.resumption.number(), config: whole }));
    if (!config.resumeToken) this.#goOn(this.resumption.begun());
  }

  async listen(stream) {
    await this.capture?.close();
    this.capture = await Capture.open(stream, (frame, peak) => this.#hear(frame, peak));
  }

  get isOpen() { return this.socket?.readyState === WebSocket.OPEN; }

  // Once the line is back, where it is away.
  send(message) { this.#deliver(this.resumption.keep({ message }, performance.now())); }

  #deliver({ seq, message, sound }) {
    if (!this.isGoing || !this.isOpen) return;
    if (message) this.socket.send(JSON.stringify({ seq, ...message }));
    else this.#sendSound(seq, sound);
  }

  // Whether what the microphone hears is sent.
  gate(isOpen) { this.isListening = isOpen; }

  // What the server says of the sound of a turn.
  obey(turn, action, position = 0) {
    switch (action) {
      case "ACTION_DUCK": return this.playout?.tell("duck", turn, { on: true });
      case "ACTION_UNDUCK": return this.playout?.tell("duck", turn, { on: false });
      case "ACTION_HOLD": return this.playout?.tell("hold", turn);
      case "ACTION_RESUME": return this.playout?.tell("resume", turn, { position });
      case "ACTION_FLUSH": return this.playout?.tell("clear", turn);
    }
  }

  // No more will come of it.
  finish(turn) { this.playout?.tell("finish", turn); }

  async close() {
    this.isOver = true;
    this.on = { closed() {}, message() {}, played() {}, level() {} };
    this.socket?.close(1000);
    await this.#release();
  }

  async #release() {
    this.encoder?.close();
    this.decoder?.close();
    await this.capture?.close();
    await this.playout?.close();
  }

  // ---------------------------------------------------------------- the microphone

  #hear(frame, peak) {
    this.on.level(peak, "user");
    if (!this.isListening || this.isOver) return;
    const offset = this.heard;
    this.heard += frame.length;
    this.#encode(frame, offset);
  }

  #encode(frame, offset) {
    if (this.encoder) this.encoder.encode(frame, offset);
    else this.#send(new Uint8Array(frame.buffer), offset);
  }

  #send(payload, offset) { this.#deliver(this.resumption.keep({ sound: { payload, offset } }, performance.now())); }

  #sendSound(seq, { payload, offset }) {
    // A gap: the next frame's offset tells of it.
    if (this.socket.bufferedAmount > MAX_WAITING[this.kind]) return;
    const bytes = new Uint8Array(HEADER + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, 1);
    view.setUint8(1, HAS_SEQ | (this.resumption.isPlaced ? HAS_OFFSET : 0));
    view.setUint32(8, seq, true);
    view.setBigUint64(16, BigInt(offset), true);
    bytes.set(payload, HEADER);
    this.socket.send(bytes);
  }

  // ---------------------------------------------------------------- the answer

  #take(data) {
    if (typeof data === "string") return this.on.message(JSON.parse(data));
    const view = new DataView(data);
    const [last, segment] = [(view.getUint8(1) & IS_LAST) !== 0, view.getUint16(2, true)];
    const [turn, offset] = [view.getUint32(4, true), Number(view.getBigUint64(16, true))];
    if (this.decoder) this.decoder.decode(new Uint8Array(data, HEADER), { turn, last, offset });
    else this.playout.play(turn, Float32Array.from(new Int16Array(data, HEADER), (value) => value / 32768), last, offset);
    this.on.message({ turn: String(turn), sound: { segment, offset } });
  }

  #report({ what, turn, played, buffered, underruns, peak }) {
    this.on.level(peak, "agent");
    if (!what) return;
    const state = `STATE_${what.toUpperCase()}`;
    this.send({ playback: { turn, state, playedSamples: played, bufferedSamples: buffered, underruns } });
    this.on.played({ turn, played, rate: this.rate, isOver: what === "finished" });
  }
}
