// The answers, on the audio thread: one after the other, each held for 60 to 200 ms as the network needs it,
// counted as it is played.
const SHORTEST = 0.06, LONGEST = 0.2, GROWTH = 0.04, DECAY = 0.01;   // seconds
const REPORT = 0.1, FADE = 64, DUCKED = 0.25, RAMP = 0.01;

class Playout extends AudioWorkletProcessor {
  constructor() {
    super();
    this.answers = [];        // in the order in which they began to come; the first one plays
    this.ended = new Set();   // turns of which nothing more is played
    this.target = SHORTEST;   // seconds to gather before an answer begins
    this.gain = this.wantedGain = 1;
    this.sinceReport = 0;
    this.peak = 0;
    this.previous = 0;
    this.port.onmessage = ({ data }) => this[data.do](data);
  }

  // ---------------------------------------------------------------- told by the page

  audio({ turn, samples, last }) {
    if (this.ended.has(turn)) return;
    const answer = this.answers.find((each) => each.turn === turn) ?? this.begin(turn);
    if (samples.length) {
      answer.pieces.push({ samples, at: 0 });
      answer.buffered += samples.length;
      answer.waitsSince ??= currentTime;
    }
    answer.isComplete ||= last;
  }

  begin(turn) {
    const answer = {
      turn, pieces: [], buffered: 0, played: 0, underruns: 0, waitsSince: null, isComplete: false, isFlowing: false, isDry: false,
    };
    this.answers.push(answer);
    return answer;
  }

  clear({ turn }) {
    if (this.ended.has(turn)) return;
    const answer = this.answers.find((each) => each.turn === turn) ?? this.begin(turn);
    answer.buffered = 0;
    this.end(answer, "cleared");
  }

  duck({ on }) { this.wantedGain = on ? DUCKED : 1; }

  // ---------------------------------------------------------------- playing

  process(_, outputs) {
    const output = outputs[0][0];
    let n = 0;
    while (this.answers.length && n < output.length) {
      const [answer] = this.answers;
      if (!answer.isFlowing && !this.starts(answer)) break;
      n += this.move(answer, output, n);
      if (!answer.buffered && answer.isComplete) this.end(answer, "finished");
      else if (n < output.length) Object.assign(answer, { isDry: true, isFlowing: false, waitsSince: null });
    }
    this.turnDown(output, n);
    if (n < output.length) this.fadeOut(output, n);
    this.previous = output[output.length - 1];
    for (const value of output) this.peak = Math.max(this.peak, Math.abs(value));
    this.report(output.length, n > 0);
    return true;
  }

  // Once enough waits, or it has waited long enough, or nothing more will come.
  starts(answer) {
    const waited = answer.waitsSince === null ? 0 : currentTime - answer.waitsSince;
    const isEnough = answer.buffered >= this.target * sampleRate || (answer.buffered && waited >= this.target);
    if (!answer.isComplete && !isEnough) return false;
    if (!answer.played) this.tell(answer, "started");
    else if (answer.isDry && answer.buffered) {
      // Counted only now: what stays out after the last sample is no gap that anybody hears.
      answer.underruns++;
      this.target = Math.min(LONGEST, this.target + GROWTH);
    }
    return Object.assign(answer, { isDry: false, isFlowing: true });
  }

  move(answer, output, from) {
    let n = from;
    while (n < output.length && answer.pieces.length) {
      const [piece] = answer.pieces;
      const count = Math.min(output.length - n, piece.samples.length - piece.at);
      output.set(piece.samples.subarray(piece.at, piece.at + count), n);
      piece.at += count;
      n += count;
      if (piece.at === piece.samples.length) answer.pieces.shift();
    }
    answer.buffered -= n - from;
    answer.played += n - from;
    return n - from;
  }

  end(answer, what) {
    this.answers = this.answers.filter((each) => each !== answer);
    this.ended.add(answer.turn);
    if (what === "finished" && !answer.underruns) this.target = Math.max(SHORTEST, this.target - DECAY);
    this.wantedGain = 1;
    this.tell(answer, what);
  }

  turnDown(output, length) {
    if (!this.answers.length) this.gain = this.wantedGain;
    if (this.gain === 1 && this.wantedGain === 1) return;
    const step = (1 - DUCKED) / (RAMP * sampleRate);
    for (let i = 0; i < length; i++) {
      this.gain += Math.max(-step, Math.min(step, this.wantedGain - this.gain));
      output[i] *= this.gain;
    }
  }

  // A cut is no click.
  fadeOut(output, from) {
    let value = from ? output[from - 1] : this.previous;
    for (let i = from; i < output.length; i++) output[i] = value *= 1 - 1 / FADE;
  }

  // ---------------------------------------------------------------- what is told of it

  report(length, isPlaying) {
    this.sinceReport += length / sampleRate;
    if (this.sinceReport < REPORT) return;
    this.sinceReport = 0;
    if (isPlaying && this.answers.length) this.tell(this.answers[0], "progress");
    else if (this.peak) this.port.postMessage({ peak: this.peak });
    this.peak = 0;
  }

  tell({ turn, played, buffered, underruns }, what) {
    this.port.postMessage({ what, turn, played, buffered, underruns, peak: this.peak });
  }
}

registerProcessor("playout", Playout);
