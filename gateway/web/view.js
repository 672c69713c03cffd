// What is seen of the conversation: who said what, how far it was heard, and what each turn took.
import { latencyOf, stagesOf } from "./latency.js";

const LETTERS_A_SECOND = 14;   // of speech, until a segment's own length is known
const NEAR = 48;   // px: whoever is this near to the end of the log reads along

const element = (kind, classes, text = "") => {
  const made = document.createElement(kind);
  made.className = classes;
  made.textContent = text;
  return made;
};

export class View {
  constructor(log, empty) {
    this.log = log;
    this.empty = empty;
    this.answers = new Map();   // by turn
    this.hearing = null;
    this.isFollowing = true;
    this.top = 0;   // where the log was scrolled to last
    log.addEventListener("scroll", () => this.#scrolled());
    // The log gets shorter when something appears beside it, a keyboard for instance: the end stays in view.
    new ResizeObserver(() => this.#follow()).observe(log);
  }

  // ---------------------------------------------------------------- the user

  // `stable`: characters at the head that are not likely to change; all of what is final. `language`: BCP 47
  // where the server knows it, for whoever has it read aloud.
  heard(text, isFinal, stable = 0, language = "") {
    this.hearing ??= this.#add("user", "You");
    const words = this.hearing.querySelector(".words");
    const letters = Array.from(text), kept = isFinal ? letters.length : stable;
    const open = document.createElement("span");
    open.className = "interim";
    open.textContent = letters.slice(kept).join("");
    words.replaceChildren(letters.slice(0, kept).join(""), ...(isFinal ? [] : [open]));
    if (language) words.lang = language;
    if (!isFinal) return this.#follow();
    if (!text.trim()) this.hearing.remove();
    this.hearing = null;
    this.#follow();
  }

  typed(text) {
    this.#add("user", "You, typed").querySelector(".words").textContent = text;
    this.#follow();
  }

  // ---------------------------------------------------------------- the answer

  said(turn, segment, delta) {
    const answer = this.#answer(turn);
    const last = answer.segments.at(-1);
    if (!last) answer.isOver = false;
    if (last && last.index === segment) last.text += delta;
    else if (delta) answer.segments.push({ index: segment, text: delta, from: null, to: null });
    this.#show(answer);
  }

  // Where the sound of a segment begins: the words can be shown as they are heard then.
  placed(turn, segment, offset) {
    const answer = this.#answer(turn);
    answer.isPlaced = true;
    const at = answer.segments.findIndex((each) => each.index === segment);
    if (at < 0 || answer.segments[at].from !== null) return;
    answer.segments[at].from = offset;
    // Those before it were heard, also by a page that was loaded anew since.
    for (const each of answer.segments.slice(0, at)) Object.assign(each, { from: each.from ?? 0, to: each.to ?? offset });
  }

  played(turn, played, rate, isOver) {
    const answer = this.#answer(turn);
    Object.assign(answer, { played, rate, isOver });
    this.#show(answer);
  }

  // The words of an answer that made no sound: whoever listens only has not got them yet.
  completed(turn) {
    const answer = this.answers.get(turn);
    if (!answer) return "";
    this.#show(Object.assign(answer, { isOver: true }));
    return answer.isPlaced ? "" : answer.segments.map((each) => each.text).join("").trim();
  }

  cut(turn, heardText) {
    const answer = this.answers.get(turn);
    if (!answer) return;
    const whole = answer.segments.map((each) => each.text).join("").trim();
    const heard = heardText.trim();
    const rest = whole.startsWith(heard) ? whole.slice(heard.length) : "";
    this.#show(answer);
    const words = answer.box?.querySelector(".words");
    words?.replaceChildren(document.createTextNode(heard && `${heard} `), element("span", "cut", rest.trim()));
    words?.append(mark("✂ you interrupted"));
    answer.isCut = true;
    this.#follow();
  }

  // Its server was lost: the rest of it is said as another answer.
  lost(turn, heardText) {
    const answer = this.answers.get(turn);
    if (!answer) return;
    if (heardText.trim()) answer.box?.querySelector(".words").replaceChildren(document.createTextNode(heardText.trim()));
    else answer.box?.remove();
    answer.isCut = true;
    this.#follow();
  }

  // The connection ended. What was being said will not be finished, and the next one may count its turns anew.
  broken() {
    for (const answer of this.answers.values()) {
      if (!answer.isOver && !answer.isCut) answer.box?.querySelector(".words").append(mark("✂ the connection ended"));
    }
    this.answers.clear();
    this.hearing?.remove();
    this.hearing = null;
  }

  // ---------------------------------------------------------------- what it took

  measured(turn, metrics) {
    const box = this.answers.get(turn)?.box;
    const stages = stagesOf(metrics);
    if (!box || !stages) return;
    box.after(latencyOf(stages, metrics.mouthToEar !== undefined));
    this.#follow();
  }

  // ---------------------------------------------------------------- all of it

  restore(messages) {
    this.clear();
    for (const { role, text, heard, turn } of messages) {
      if (!text) continue;
      const isUser = role === "ROLE_USER";
      const box = this.#add(isUser ? "user" : "agent", isUser ? "You" : "Answer");
      const words = box.querySelector(".words");
      words.textContent = text;
      if (isUser || !heard || heard === "HEARD_WHOLE") continue;
      words.append(mark("✂"));
      Object.assign(this.#answer(turn), { box, isOver: true });   // unless it goes on, and is told again
    }
    this.#follow();
  }

  clear() {
    this.log.replaceChildren(this.empty);
    this.empty.hidden = false;
    this.answers.clear();
    this.hearing = null;
    this.isFollowing = true;
  }

  get isEmpty() { return !this.empty.hidden; }

  #answer(turn) {
    if (!this.answers.has(turn)) {
      const answer = { box: null, segments: [], played: 0, rate: 1, isOver: false, isCut: false, isPlaced: false };
      this.answers.set(turn, answer);
    }
    return this.answers.get(turn);
  }

  #show(answer) {
    if (answer.isCut || !answer.segments.length) return;
    answer.box ??= this.#add("agent", "Answer");
    const words = answer.box.querySelector(".words");
    const whole = answer.segments.map((each) => each.text).join("");
    const count = answer.isOver || !answer.isPlaced ? whole.length : this.#heardLetters(answer);
    words.replaceChildren(document.createTextNode(whole.slice(0, count)), element("span", "ahead", whole.slice(count)));
    this.#follow();
  }

  #heardLetters({ segments, played, rate }) {
    let letters = 0;
    for (const { text, from, to } of segments) {
      if (from === null || played <= from) break;
      const length = (to ?? from + (text.length / LETTERS_A_SECOND) * rate) - from;
      const share = Math.min(1, (played - from) / length);
      const cut = Math.round(share * text.length);
      const space = text.indexOf(" ", cut);
      letters += share === 1 || space < 0 ? (share === 1 ? text.length : cut) : space;
      if (share < 1) break;
    }
    return letters;
  }

  #add(whose, who) {
    this.empty.hidden = true;
    const box = element("p", `said ${whose}`);
    const words = element("span", "words");
    words.dir = "auto";   // by its first strong letter, whatever the page's own direction
    box.append(element("span", "unseen", `${who}: `), words);
    this.log.append(box);
    return box;
  }

  #follow() {
    if (!this.isFollowing) return;
    this.log.scrollTop = this.log.scrollHeight;
    this.top = this.log.scrollTop;
  }

  // Told a frame late, when the log may have grown or shrunk since: only who goes up stops reading along.
  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    if (scrollHeight - scrollTop - clientHeight < NEAR) this.isFollowing = true;
    else if (scrollTop < this.top - 1) this.isFollowing = false;
    this.top = scrollTop;
  }
}

// Isolated, since it is in the page's language, whatever that of the words is.
function mark(text) {
  const made = element("bdi", "mark", text);
  made.lang = "en";
  return made;
}
