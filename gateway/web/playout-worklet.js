// The answers, on the audio thread: one after the other, each gathered for 60 to 200 ms as the network needs it,
// counted as it is played; lowered, held and gone on with as the server says (PlaybackControl).
const SHORTEST = 0.06, LONGEST = 0.2, GROWTH = 0.04, DECAY = 0.01;   // seconds
const REPORT = 0.1;
const DUCKED = 10 ** (-12 / 20), DUCK_RAMP = 0.02, FADE_RAMP = 0.005;
const GAP = 0.1;   // seconds; a decoder that swallows its first milliseconds left none
const KEPT = 1, CUT = 64;   // seconds of what was played; samples in which a cut falls to a third

class Playout extends AudioWorkletProcessor {
  constructor() {
    super();
    this.answers = [];        // in the order in which they began to come; the first one plays
    this.ended = new Set();   // turns of which nothing more is played
    this.target = SHORTEST;   // seconds to gather before an answer begins
    this.held = this.ducked = null;   // turns
    this.isStopped = false;   // another line begins
    this.sinceReport = 0;
    this.peak = 0;
    this.previous = 0;
    this.port.onmessage = ({ data }) => this[data.do](data);
  }

  // ---------------------------------------------------------------- told by the page

  // `offset`: the place of the first sample in its turn. After a line was lost sound comes again that is here already.
  audio({ turn, samples, last, offset = null }) {
    if (this.ended.has(turn)) return;
    const answer = this.answers.find((each) => each.turn === turn) ?? this.begin(turn, offset ?? 0);
    const known = offset === null ? 0 : answer.at + answer.buffered - offset;
    samples = samples.subarray(Math.max(0, Math.min(known, samples.length)));
    if (-known > GAP * sampleRate) this.skip(answer, Math.min(-known, KEPT * sampleRate));
    if (samples.length) {
      answer.pieces.push({ samples, at: 0 });
      answer.buffered += samples.length;
      answer.waitsSince ??= currentTime;
    }
    answer.isComplete ||= last;
  }

  // Silence in the place of what never came.
  skip(answer, count) {
    answer.pieces.push({ samples: new Float32Array(count), at: 0 });
    answer.buffered += count;
  }

  // Another conversation, which counts its turns anew.
  restart() {
    Object.assign(this, { answers: [], ended: new Set(), held: null, ducked: null, isStopped: false });
  }

  // Silent after a fade, whichever turn plays, and everything is kept; says where it is.
  stop() {
    const [answer] = this.answers;
    this.isStopped = true;
    if (answer?.isFlowing && answer.turn !== this.held) this.fade(answer);
    if (answer) this.tell(Object.assign(answer, { isDry: false }), "progress");
    this.port.postMessage({ stopped: true });
  }

  goOn() {
    const [answer] = this.answers;
    if (this.isStopped && answer && answer.turn !== this.held) answer.fading = null;
    if (answer?.buffered) answer.waitsSince ??= currentTime;
    this.isStopped = false;
  }

  // `at`: its first sample here; those before it were heard elsewhere.
  begin(turn, at = 0) {
    const answer = {
      turn, pieces: [], buffered: 0, underruns: 0, waitsSince: null, isComplete: false, isFlowing: false, isDry: false,
      isStarted: false, at, played: at,   // the sample that is heard next; how far it was ever heard: beyond it while something is heard again
      past: [], kept: 0,   // pieces that were played, and their samples
      gain: 1, isFading: false, fading: null,   // into silence or out of it; what is still heard where it was held
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

  duck({ turn, on }) {
    if (on && !this.ended.has(turn)) this.ducked = turn;
    else if (turn === this.ducked) this.ducked = null;
  }

  // Silent after a fade, of which the samples count as not played. What it waits for from now on is no underrun.
  hold({ turn }) {
    if (this.ended.has(turn) || turn === this.held) return;
    this.held = turn;
    const answer = this.answers.find((each) => each.turn === turn);
    if (!answer) return;
    if (answer.isFlowing) this.fade(answer);
    answer.isDry = false;
    this.tell(answer, "progress");
  }

  // Full volume, from the sample `position` on, or from the first that is kept; what is to come is never left out.
  resume({ turn, position }) {
    this.letGo(turn);
    const answer = this.answers.find((each) => each.turn === turn);
    if (!answer) return;
    answer.fading = null;
    this.goBack(answer, Math.max(0, Math.min(answer.at - position, answer.kept)));
    if (answer.buffered) answer.waitsSince ??= currentTime;
  }

  // It broke off: no more will come of it, nor will anybody say that it goes on.
  finish({ turn }) {
    this.letGo(turn);
    const answer = this.answers.find((each) => each.turn === turn);
    if (answer) answer.isComplete = true;
  }

  letGo(turn) {
    if (turn === this.held) this.held = null;
    if (turn === this.ducked) this.ducked = null;
  }

  // ---------------------------------------------------------------- playing

  process(_, outputs) {
    const output = outputs[0][0];
    let n = 0;
    while (this.answers.length && n < output.length) {
      const [answer] = this.answers;
      if (this.isStopped || answer.turn === this.held) {
        n += this.ringOut(answer, output, n);
        break;
      }
      if (!answer.isFlowing && !this.starts(answer)) break;
      n += this.move(answer, output, n);
      if (!answer.buffered && answer.isComplete) this.end(answer, "finished");
      else if (n < output.length) Object.assign(answer, { isDry: true, isFlowing: false, waitsSince: null });
    }
    if (n < output.length) this.fadeOut(output, n);
    this.previous = output[output.length - 1];
    for (const value of output) this.peak = Math.max(this.peak, Math.abs(value));
    this.report(output.length, n > 0 && !this.isStopped && this.answers[0]?.turn !== this.held);
    return true;
  }

  // Once enough waits, or it has waited long enough, or nothing more will come.
  starts(answer) {
    const waited = answer.waitsSince === null ? 0 : currentTime - answer.waitsSince;
    const isEnough = answer.buffered >= this.target * sampleRate || (answer.buffered && waited >= this.target);
    if (!answer.isComplete && !isEnough) return false;
    if (!answer.isStarted) this.tell(answer, "started");
    else if (answer.isDry && answer.buffered) {
      // Counted only now: what stays out after the last sample is no gap that anybody hears.
      answer.underruns++;
      this.target = Math.min(LONGEST, this.target + GROWTH);
    }
    return Object.assign(answer, { isDry: false, isFlowing: true, isStarted: true });
  }

  move(answer, output, from) {
    let n = from;
    while (n < output.length && answer.pieces.length) {
      const [piece] = answer.pieces;
      const count = Math.min(output.length - n, piece.samples.length - piece.at);
      const samples = piece.samples.subarray(piece.at, piece.at + count);
      output.set(samples, n);
      this.keep(answer, samples);
      piece.at += count;
      n += count;
      if (piece.at === piece.samples.length) answer.pieces.shift();
    }
    answer.buffered -= n - from;
    answer.at += n - from;
    answer.played = Math.max(answer.played, answer.at);
    this.adjust(answer, output.subarray(from, n), answer.turn === this.ducked ? DUCKED : 1);
    return n - from;
  }

  keep(answer, samples) {
    answer.past.push(samples);
    answer.kept += samples.length;
    while (answer.kept - answer.past[0].length >= KEPT * sampleRate) answer.kept -= answer.past.shift().length;
  }

  // `count`: samples, of those that are kept.
  goBack(answer, count) {
    answer.at -= count;
    answer.kept -= count;
    answer.buffered += count;
    while (count > 0) {
      const last = answer.past.pop(), taken = Math.min(count, last.length), from = last.length - taken;
      if (from) answer.past.push(last.subarray(0, from));
      answer.pieces.unshift({ samples: last.subarray(from), at: 0 });
      count -= taken;
    }
  }

  // Ahead of it, to silence.
  fade(answer) {
    if (answer.gain === 0) return;
    const fading = new Float32Array(Math.ceil(FADE_RAMP * sampleRate));
    let n = 0;
    for (const { samples, at } of answer.pieces) {
      const part = samples.subarray(at, at + fading.length - n);
      fading.set(part, n);
      n += part.length;
      if (n === fading.length) break;
    }
    answer.isFading = true;
    this.adjust(answer, fading, 0);
    Object.assign(answer, { fading: fading.subarray(0, n), gain: 0, isFading: true });
  }

  ringOut(answer, output, from) {
    if (!answer.fading) return 0;
    const part = answer.fading.subarray(0, output.length - from);
    output.set(part, from);
    answer.fading = answer.fading.subarray(part.length);
    return part.length;
  }

  // The volume of `samples`, which follow those before, on its way to `wanted`.
  adjust(answer, samples, wanted) {
    if (answer.gain === 1 && wanted === 1) return;
    const step = answer.isFading ? 1 / (FADE_RAMP * sampleRate) : (1 - DUCKED) / (DUCK_RAMP * sampleRate);
    for (let i = 0; i < samples.length; i++) {
      answer.gain += Math.max(-step, Math.min(step, wanted - answer.gain));
      samples[i] *= answer.gain;
    }
    if (answer.gain === wanted) answer.isFading = false;
  }

  end(answer, what) {
    this.answers = this.answers.filter((each) => each !== answer);
    this.ended.add(answer.turn);
    if (what === "finished" && !answer.underruns) this.target = Math.max(SHORTEST, this.target - DECAY);
    this.letGo(answer.turn);
    this.tell(answer, what);
  }

  // A cut is no click.
  fadeOut(output, from) {
    let value = from ? output[from - 1] : this.previous;
    for (let i = from; i < output.length; i++) output[i] = value *= 1 - 1 / CUT;
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
