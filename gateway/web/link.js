// A conversation over a WebSocket: the dialect `voice.v1.json`, sound in binary frames of a 24-byte header.
import { DECODED_HZ, OpusDecoder, OpusEncoder } from "./opus.js";
import { Capture, INPUT_HZ, OUTPUT_HZ, Playout } from "./sound.js";

const HEADER = 24, IS_LAST = 1, HAS_OFFSET = 2;
const MAX_WAITING = { pcm: 16000, opus: 3000 };   // bytes: half a second of sound that the network does not take
const MAX_EARLY = 100;   // frames of 20 ms that were spoken before the socket was open

export class SocketLink {
  // `on`: message(object), level(0…1, whose), played(report), closed(code, reason)
  constructor(on) {
    this.on = on;
    this.isOver = false;
    this.isListening = true;
    this.heard = 0;
    this.early = [];
  }

  // `stream`: the microphone's; null without one. `opus`: whether the server and this browser can.
  async open(config, { token, stream, opus }) {
    this.kind = opus ? "opus" : "pcm";
    this.rate = opus ? DECODED_HZ : OUTPUT_HZ;
    const failed = (error) => this.on.closed(1006, error.message);
    if (opus) {
      this.encoder = new OpusEncoder((packet, offset) => this.#send(packet, offset), failed);
      this.decoder = new OpusDecoder((samples, { turn, last }) => this.playout.play(turn, samples, last), failed);
    }
    this.playout = await Playout.open(this.rate, (report) => this.#report(report));
    if (stream) await this.listen(stream);
    if (this.isOver) return this.#release();   // hung up meanwhile
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = this.socket = new WebSocket(`${scheme}//${location.host}/v1/ws`, "voice.v1.json");
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#begin(config, token);
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = ({ code, reason }) => this.on.closed(code, reason);
  }

  // The token goes in the first message, since a subprotocol, the other way for pages, cannot hold every token.
  #begin(config, token) {
    const encoding = this.kind === "opus" ? "AUDIO_ENCODING_OPUS_PACKET" : "AUDIO_ENCODING_PCM_S16LE";
    const format = (sampleRateHz) => ({ encoding, sampleRateHz, channels: 1 });
    const capabilities = { echoCancellation: true, playbackReports: true, playbackControl: true };
    const authorization = token ? { authorization: `Bearer ${token}` } : {};
    this.send({ ...authorization, config: { ...config, inputAudio: format(INPUT_HZ), outputAudio: format(this.rate), capabilities } });
    for (const [frame, offset] of this.early.splice(0)) this.#encode(frame, offset);
  }

  async listen(stream) {
    await this.capture?.close();
    this.capture = await Capture.open(stream, (frame, peak) => this.#hear(frame, peak));
  }

  get isOpen() { return this.socket?.readyState === WebSocket.OPEN; }

  send(message) { if (this.isOpen) this.socket.send(JSON.stringify(message)); }

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
    if (!this.isListening) return;
    const offset = this.heard;
    this.heard += frame.length;
    if (this.isOpen) return this.#encode(frame, offset);
    this.early.push([frame, offset]);
    if (this.early.length > MAX_EARLY) this.early.shift();
  }

  #encode(frame, offset) {
    if (this.encoder) this.encoder.encode(frame, offset);
    else this.#send(new Uint8Array(frame.buffer), offset);
  }

  #send(payload, offset) {
    // A gap: the next frame's offset tells of it.
    if (!this.isOpen || this.socket.bufferedAmount > MAX_WAITING[this.kind]) return;
    const bytes = new Uint8Array(HEADER + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, 1);
    view.setUint8(1, HAS_OFFSET);
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
    if (this.decoder) this.decoder.decode(new Uint8Array(data, HEADER), { turn, last });
    else this.playout.play(turn, Float32Array.from(new Int16Array(data, HEADER), (value) => value / 32768), last);
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
