// What the page remembers, so that its conversation goes on when the line was lost, or when the page was loaded anew.
// Pure: times are arguments (ms), and `Stored` alone knows where a tab keeps things.
const SOUND_MS = 10_000;   // of the user's sound, as the contract has it (ResumeUpdate)
const MOST = 1024;         // other messages; the oldest gives way
const UNNUMBERED = ["sessionStarted", "resumeUpdate"];   // told on each stream afresh
const ENDS = ["STATE_COMPLETED", "STATE_INTERRUPTED", "STATE_FAILED", "STATE_DISCARDED"];
const OF_OLD_TURNS = ["playback", "interrupt", "toolResult"];   // mean nothing in a conversation that begins anew

export class Resumption {
  // `stored`: of `toStore`, by the same page before it was loaded anew.
  constructor(stored = {}) {
    this.session = stored.session ?? "";
    this.token = stored.token ?? "";
    this.seq = stored.seq ?? 0;             // of the last request
    this.received = stored.received ?? 0;   // `seq` of the last response
    this.turn = stored.turn ?? 0;           // whose sound came last
    this.played = stored.played ?? 0;       // samples of it
    this.before = null;                     // `seq` of the response before the answer that is under way; null: none is
    this.isPlaced = !this.token;            // whether the places of the user's sound are known: not by another page
    this.kept = [];                         // what the server has not taken care of: {seq, at, message} or {seq, at, sound}
  }

  // A page that is loaded anew has nothing of the answer that is under way: it is to be told all of its words.
  get toStore() {
    const { session, token, seq, turn, played } = this;
    return { session, token, seq, received: this.before ?? this.received, turn, played };
  }

  // For the config of the next stream; nothing where the server gave no token.
  get config() {
    if (!this.token) return {};
    const heard = this.turn ? { resumeTurn: this.turn, resumePlayedSamples: this.played } : {};
    return { resumeToken: this.token, lastReceivedSeq: this.received, ...heard };
  }

  // ---------------------------------------------------------------- to the server

  number() { return ++this.seq; }

  // `entry`: {message} or {sound}. Returns it with its number.
  keep(entry, now) {
    const numbered = { ...entry, seq: this.number(), at: now };
    if (isKept(entry)) this.kept.push(numbered);
    const isSound = (each) => each.sound !== undefined;
    if (isSound(entry)) {
      while (this.kept.some((each) => isSound(each) && now - each.at > SOUND_MS)) {
        this.kept.splice(this.kept.findIndex(isSound), 1);
      }
    } else if (this.kept.length > MOST && this.kept.filter((each) => !isSound(each)).length > MOST) {
      this.kept.splice(this.kept.findIndex((each) => !isSound(each)), 1);
    }
    return numbered;
  }

  consumed(seq) { this.kept = this.kept.filter((each) => each.seq > seq); }

  // What is to be sent again on a stream that goes on.
  resumed(lastConsumed) {
    this.seq = Math.max(this.seq, lastConsumed);
    this.consumed(lastConsumed);
    return this.kept;
  }

  // The token is none any more. What was not taken care of is said to another conversation, where it means something.
  restart() {
    Object.assign(this, { token: "", received: 0, before: null, turn: 0, played: 0 });
    this.isPlaced = false;   // places are counted from the start of a conversation
    this.kept = this.kept.filter(({ message }) => !message || !OF_OLD_TURNS.some((arm) => arm in message));
  }

  // What is to be sent first on a stream that begins a conversation.
  begun() {
    this.kept = this.kept.map((each) => ({ ...each, seq: this.number() }));
    return this.kept;
  }

  // ---------------------------------------------------------------- from the server

  // Whether it is new.
  receive(said) {
    if (said.resumeUpdate) {
      this.token = said.resumeUpdate.resumeToken ?? "";
      this.consumed(Number(said.resumeUpdate.lastConsumedSeq ?? 0));
    }
    if (said.sound) this.#heard(Number(said.turn), said.sound.offset);
    const seq = Number(said.seq ?? 0);
    if (!seq || UNNUMBERED.some((arm) => arm in said)) return true;
    if (seq <= this.received) return false;
    this.#mark(said.turnEvent?.state);
    this.received = seq;
    return true;
  }

  #mark(state) {
    if (state === "STATE_THINKING") this.before = this.received;
    else if (ENDS.includes(state)) this.before = null;
  }

  #heard(turn, offset) {
    if (turn > this.turn) Object.assign(this, { turn, played: offset });
  }

  report(turn, played) {
    if (Number(turn) === this.turn) this.played = Math.max(this.played, played);
  }
}

function isKept({ message }) {
  return !message || !("ping" in message || message.playback?.state === "STATE_PROGRESS");
}

// In the tab: another tab has a conversation of its own, and a tab that is closed has ended its own.
const KEY = "talk.line";

export const Stored = {
  of(session) {
    try {
      const stored = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
      return stored.session === session ? stored : {};
    } catch {
      return {};   // storage is forbidden here, or somebody else's
    }
  },
  keep(resumption) {
    try {
      if (resumption.token) sessionStorage.setItem(KEY, JSON.stringify(resumption.toStore));
      else sessionStorage.removeItem(KEY);
    } catch {
      // Forbidden, or full: a page that is loaded anew begins with what the server remembers.
    }
  },
};
