// A conversation over a WebSocket: the dialect `voice.v1.json`, sound in binary frames of a 24-byte header.
import { DECODED_HZ, OpusDecoder, OpusEncoder } from "./opus.js";
import { Capture, INPUT_HZ, OUTPUT_HZ, Playout, openMicrophone } from "./sound.js";

const HEADER = 24, IS_LAST = 1, HAS_OFFSET = 2;
const MAX_WAITING = { pcm: 16000, opus: 3000 };   // bytes: half a second of sound that the network does not take
const MAX_EARLY = 100;   // frames of 20 ms that were spoken before the socket was open

export class SocketLink {
  // `on`: opened(), message(object), level(0…1, whose), played(report), closed(code, reason)
  constructor(on) {
    this.on = on;
    this.isMuted = false;
    this.heard = 0;
    this.early = [];
  }

  // `opus`: whether the server and this browser can.
  async open(config, { token, deviceId, listens, opus }) {
    this.kind = opus ? "opus" : "pcm";
    this.rate = opus ? DECODED_HZ : OUTPUT_HZ;
    const failed = (error) => this.on.closed(1006, error.message);
    if (opus) {
      this.encoder = new OpusEncoder((packet, offset) => this.#send(packet, offset), failed);
      this.decoder = new OpusDecoder((samples, { turn, last }) => this.playout.play(turn, samples, last), failed);
    }
    this.playout = await Playout.open(this.rate, (report) => this.#report(report));
    if (listens) await this.listen(deviceId);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const names = ["voice.v1.json", ...(token ? [`bearer.${token}`] : [])];
    const socket = this.socket = new WebSocket(`${scheme}//${location.host}/v1/ws`, names);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#begin(config);
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = ({ code, reason }) => this.on.closed(code, reason);
  }

  #begin(config) {
    const encoding = this.kind === "opus" ? "AUDIO_ENCODING_OPUS_PACKET" : "AUDIO_ENCODING_PCM_S16LE";
    const format = (sampleRateHz) => ({ encoding, sampleRateHz, channels: 1 });
    const capabilities = { echoCancellation: true, playbackReports: true };
    this.send({ config: { ...config, inputAudio: format(INPUT_HZ), outputAudio: format(this.rate), capabilities } });
    this.on.opened();
    for (const [frame, offset] of this.early.splice(0)) this.#encode(frame, offset);
  }

  async listen(deviceId) {
    const stream = await openMicrophone(deviceId);
    this.capture = await Capture.open(stream, (frame, peak) => this.#hear(frame, peak));
  }

  get isOpen() { return this.socket?.readyState === WebSocket.OPEN; }

  send(message) { if (this.isOpen) this.socket.send(JSON.stringify(message)); }

  mute(on) {
    this.isMuted = on;
    if (on) this.send({ audioEnd: {} });
  }

  flush(turn) { this.playout?.clear(turn); }

  duck(on) { this.playout?.duck(on); }

  async close() {
    this.on = { ...this.on, closed() {}, message() {}, played() {}, level() {} };
    this.socket?.close(1000);
    this.encoder?.close();
    this.decoder?.close();
    await this.capture?.close();
    await this.playout?.close();
  }

  // ---------------------------------------------------------------- the microphone

  #hear(frame, peak) {
    this.on.level(this.isMuted ? 0 : peak, "user");
    if (this.isMuted) return;
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
