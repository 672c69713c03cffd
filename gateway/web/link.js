// A conversation over a WebSocket: the dialect `voice.v1.json`, sound in binary frames of a 24-byte header.
import { Capture, OUTPUT_HZ, Playout, openMicrophone } from "./sound.js";

const HEADER = 24, HAS_OFFSET = 2;
const MAX_WAITING = 16000;   // bytes: half a second of sound that the network does not take

export class SocketLink {
  // `on`: opened(), message(object), level(0…1, whose), played(report), closed(code, reason)
  constructor(on) {
    this.on = on;
    this.isMuted = false;
    this.sent = 0;
  }

  async open(config, { token, deviceId, listens }) {
    this.playout = await Playout.open((report) => this.#report(report));
    if (listens) await this.listen(deviceId);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const names = ["voice.v1.json", ...(token ? [`bearer.${token}`] : [])];
    const socket = this.socket = new WebSocket(`${scheme}//${location.host}/v1/ws`, names);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      const pcm = (sampleRateHz) => ({ encoding: "AUDIO_ENCODING_PCM_S16LE", sampleRateHz, channels: 1 });
      const capabilities = { echoCancellation: true, playbackReports: true };
      this.send({ config: { ...config, inputAudio: pcm(16000), outputAudio: pcm(OUTPUT_HZ), capabilities } });
      this.on.opened();
    };
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = ({ code, reason }) => this.on.closed(code, reason);
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

  hold(on) { this.playout?.hold(on); }

  async close() {
    this.on = { ...this.on, closed() {}, message() {}, played() {}, level() {} };
    this.socket?.close(1000);
    await this.capture?.close();
    await this.playout?.close();
  }

  #hear(frame, peak) {
    this.on.level(this.isMuted ? 0 : peak, "user");
    const offset = this.sent;
    if (this.isMuted || !this.isOpen) return;
    this.sent += frame.length;
    if (this.socket.bufferedAmount > MAX_WAITING) return;   // a gap: the next frame's offset tells of it
    const bytes = new ArrayBuffer(HEADER + frame.byteLength);
    const view = new DataView(bytes);
    view.setUint8(0, 1);
    view.setUint8(1, HAS_OFFSET);
    view.setBigUint64(16, BigInt(offset), true);
    new Int16Array(bytes, HEADER).set(frame);
    this.socket.send(bytes);
  }

  #take(data) {
    if (typeof data === "string") return this.on.message(JSON.parse(data));
    const view = new DataView(data);
    const [flags, segment] = [view.getUint8(1), view.getUint16(2, true)];
    const [turn, offset] = [view.getUint32(4, true), Number(view.getBigUint64(16, true))];
    this.playout.play(turn, new Int16Array(data, HEADER), (flags & 1) === 1);
    this.on.message({ turn: String(turn), sound: { segment, offset } });
  }

  #report({ what, turn, played, buffered, underruns, peak }) {
    this.on.level(peak, "agent");
    if (!what) return;
    const state = `STATE_${what.toUpperCase()}`;
    this.send({ playback: { turn, state, playedSamples: played, bufferedSamples: buffered, underruns } });
    this.on.played({ what, turn, played, rate: OUTPUT_HZ });
  }
}
