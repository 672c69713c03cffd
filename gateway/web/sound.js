// Microphone and loudspeaker of the WebSocket transport. WebRTC brings its own (`rtc.js`).
export const INPUT_HZ = 16000, OUTPUT_HZ = 24000;

const STOPS_WITHIN_MS = 100;   // one whose context sleeps says nothing

export const MICROPHONE = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };

export async function openMicrophone(deviceId) {
  if (!navigator.mediaDevices) throw new DOMException("", "InsecureError");
  const audio = deviceId ? { ...MICROPHONE, deviceId: { exact: deviceId } } : MICROPHONE;
  return navigator.mediaDevices.getUserMedia({ audio });
}

export class Capture {
  static async open(stream, onFrame) {
    let context;
    try {
      context = new AudioContext({ sampleRate: INPUT_HZ, latencyHint: "interactive" });
      context.createMediaStreamSource(stream).disconnect();
    } catch {
      // Firefox keeps a microphone at its own rate; the worklet resamples then.
      context = new AudioContext({ latencyHint: "interactive" });
    }
    await context.audioWorklet.addModule("/web/capture-worklet.js");
    const source = context.createMediaStreamSource(stream);
    const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }) => onFrame(data.frame, data.peak);
    source.connect(node);
    await context.resume();
    return new Capture(context);
  }

  constructor(context) { this.context = context; }

  // The microphone stays open: it is whoever opened it that lets it go.
  async close() {
    if (this.context.state !== "closed") await this.context.close();
  }
}

export class Playout {
  static async open(rate, onReport) {
    const context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
    await context.audioWorklet.addModule("/web/playout-worklet.js");
    const node = new AudioWorkletNode(context, "playout", { numberOfInputs: 0, outputChannelCount: [1] });
    const playout = new Playout(context, node);
    node.port.onmessage = ({ data }) => data.stopped ? playout.stopped?.() : onReport(data);
    node.connect(context.destination);
    await context.resume();
    return playout;
  }

  constructor(context, node) {
    this.context = context;
    this.node = node;
  }

  // `samples`: floats, which are given away. `offset`: the place of the first in its turn; null: it follows the last.
  play(turn, samples, last, offset = null) {
    this.node.port.postMessage({ do: "audio", turn, samples, last, offset }, [samples.buffer]);
  }

  // Another conversation, which counts its turns anew.
  restart() { this.node.port.postMessage({ do: "restart" }); }

  // Silent, and keeps what it has, until `goOn`. Resolves once it has reported where it is.
  stop() {
    return new Promise((done) => {
      this.stopped = done;
      setTimeout(done, STOPS_WITHIN_MS);
      this.node.port.postMessage({ do: "stop" });
    });
  }

  goOn() { this.node.port.postMessage({ do: "goOn" }); }

  // `what`: clear, duck with `on`, hold, resume with `position` (samples), or finish.
  tell(what, turn, more = {}) { this.node.port.postMessage({ do: what, turn, ...more }); }

  async close() { if (this.context.state !== "closed") await this.context.close(); }
}
