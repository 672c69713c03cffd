// The microphone, on the audio thread: mono, at 16 kHz, 20 ms at a time, and how loud it is.
const RATE = 16000, FRAME = 320;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / RATE;   // 1 where the browser resamples for us
    this.place = 0;                  // of the next sample, in input samples from the block's start
    this.last = 0;
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.peak = 0;
  }

  process(inputs) {
    const input = inputs[0][0];
    if (!input) return true;
    for (; this.place < input.length; this.place += this.step) this.put(this.sample(input));
    this.place -= input.length;
    this.last = input[input.length - 1];
    return true;
  }

  sample(input) {
    if (this.step <= 1) return input[Math.floor(this.place)];
    // The mean of what one output sample stands for: enough of a filter for speech.
    const from = Math.floor(this.place), to = Math.min(input.length, Math.max(from + 1, Math.floor(this.place + this.step)));
    let sum = 0;
    for (let i = from; i < to; i++) sum += input[i];
    return sum / (to - from);
  }

  put(value) {
    const clipped = Math.max(-1, Math.min(1, value));
    this.peak = Math.max(this.peak, Math.abs(clipped));
    this.frame[this.filled++] = Math.round(clipped * 32767);
    if (this.filled < FRAME) return;
    this.port.postMessage({ frame: this.frame, peak: this.peak }, [this.frame.buffer]);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.peak = 0;
  }
}

registerProcessor("capture", Capture);
