// The answer, on the audio thread: held for 60 to 200 ms as the network needs it, counted as it is played.
const SHORTEST = 0.06, LONGEST = 0.2, REPORT = 0.1, FADE = 64;

class Playout extends AudioWorkletProcessor {
  constructor() {
    super();
    this.queue = [];          // {turn, samples, at, last}
    this.buffered = 0;
    this.target = SHORTEST;   // seconds to hold before the first sample
    this.turn = 0;
    this.played = 0;
    this.underruns = 0;
    this.isPlaying = false;
    this.isHeld = false;
    this.isEnding = false;    // the last samples of the turn are in the queue
    this.sinceReport = 0;
    this.peak = 0;
    this.previous = 0;
    this.port.onmessage = ({ data }) => this[data.do](data);
  }

  audio({ turn, samples, last }) {
    if (turn !== this.turn) this.begin(turn);
    if (samples.length) {
      this.queue.push({ samples, at: 0 });
      this.buffered += samples.length;
    }
    this.isEnding = last;
  }

  begin(turn) {
    this.turn = turn;
    this.played = 0;
    this.queue = [];
    this.buffered = 0;
    this.isPlaying = false;
    this.isEnding = false;
  }

  clear({ turn }) {
    if (turn !== this.turn) return;
    this.queue = [];
    this.buffered = 0;
    this.isPlaying = false;
    this.tell("cleared");
    this.turn = 0;
  }

  hold({ on }) { this.isHeld = on; }

  process(_, outputs) {
    const output = outputs[0][0];
    const held = this.target * sampleRate;
    if (!this.isPlaying && !this.isHeld && this.buffered && (this.buffered >= held || this.isEnding)) {
      this.isPlaying = true;
      this.tell(this.played ? "progress" : "started");
    }
    let n = 0;
    if (this.isPlaying && !this.isHeld) n = this.fill(output);
    if (n < output.length) this.fadeOut(output, n);
    this.previous = output[output.length - 1];
    for (const value of output) this.peak = Math.max(this.peak, Math.abs(value));
    this.report(output.length, n);
    return true;
  }

  fill(output) {
    let n = 0;
    while (n < output.length && this.queue.length) {
      const piece = this.queue[0];
      const count = Math.min(output.length - n, piece.samples.length - piece.at);
      output.set(piece.samples.subarray(piece.at, piece.at + count), n);
      piece.at += count;
      n += count;
      if (piece.at === piece.samples.length) this.queue.shift();
    }
    this.buffered -= n;
    this.played += n;
    if (n < output.length) this.ranDry();
    return n;
  }

  ranDry() {
    this.isPlaying = false;
    if (this.isEnding) {
      this.tell("finished");
      this.target = Math.max(SHORTEST, this.target - 0.01);
    } else {
      this.underruns++;
      this.target = Math.min(LONGEST, this.target + 0.04);
    }
  }

  // A cut is no click.
  fadeOut(output, from) {
    let value = from ? output[from - 1] : this.previous;
    for (let i = from; i < output.length; i++) output[i] = value *= 1 - 1 / FADE;
  }

  report(length, played) {
    this.sinceReport += length / sampleRate;
    if (this.sinceReport < REPORT) return;
    this.sinceReport = 0;
    if (played) this.tell("progress");
    else if (this.peak) this.port.postMessage({ peak: this.peak });
    this.peak = 0;
  }

  tell(what) {
    const { turn, played, buffered, underruns, peak } = this;
    this.port.postMessage({ what, turn, played, buffered, underruns, peak });
  }
}

registerProcessor("playout", Playout);
