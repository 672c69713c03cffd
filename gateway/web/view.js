// What is seen of the conversation: who said what, how far it was heard, and what each turn took.
const LETTERS_A_SECOND = 14;   // of speech, until a segment's own length is known

const STAGES = [
  ["hold", "waiting for the end of your turn"],
  ["stt", "hearing"],
  ["llm", "thinking"],
  ["clause", "finding words"],
  ["tts", "voice"],
  ["net", "way and buffer"],
];

const element = (kind, classes, text = "") => {
  const made = document.createElement(kind);
  made.className = classes;
  made.textContent = text;
  return made;
};

// "0.512s" as proto3 JSON writes a duration → milliseconds
const ms = (duration) => (duration === undefined ? 0 : Math.round(parseFloat(duration) * 1000));

export class View {
  constructor(log, empty) {
    this.log = log;
    this.empty = empty;
    this.answers = new Map();   // by turn
    this.hearing = null;
  }

  // ---------------------------------------------------------------- the user

  heard(text, isFinal) {
    this.hearing ??= this.#add("user", "You");
    const words = this.hearing.querySelector(".words");
    words.textContent = text;
    words.classList.toggle("interim", !isFinal);
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
    if (at > 0) answer.segments[at - 1].to = offset;
  }

  played(turn, played, rate, isOver) {
    const answer = this.#answer(turn);
    Object.assign(answer, { played, rate, isOver });
    this.#show(answer);
  }

  completed(turn) {
    const answer = this.answers.get(turn);
    if (answer) this.#show(Object.assign(answer, { isOver: true }));
  }

  cut(turn, heardText) {
    const answer = this.answers.get(turn);
    if (!answer) return;
    answer.isCut = true;
    const whole = answer.segments.map((each) => each.text).join("").trim();
    const heard = heardText.trim();
    const rest = whole.startsWith(heard) ? whole.slice(heard.length) : "";
    const words = answer.box.querySelector(".words");
    words.replaceChildren(document.createTextNode(`${heard} `), element("span", "cut", rest.trim()));
    words.append(element("span", "mark", "✂ you interrupted"));
    this.#follow();
  }

  // ---------------------------------------------------------------- what it took

  measured(turn, metrics) {
    const answer = this.answers.get(turn);
    if (!answer || metrics.voiceToVoice === undefined) return;
    const hold = ms(metrics.endOfTurnDelay);
    const stt = Math.max(0, ms(metrics.sttFinalDelay) - hold);
    const [llm, tts] = [ms(metrics.llmFirstToken), ms(metrics.ttsFirstAudio)];
    const left = ms(metrics.voiceToVoice);   // the server
    const total = ms(metrics.mouthToEar) || left;
    const clause = Math.max(0, left - hold - stt - llm - tts);   // from the first of them to enough to say
    const figures = { hold, stt, llm, clause, tts, net: Math.max(0, total - left) };
    const box = element("div", "latency");
    const bar = element("div", "bar");
    bar.setAttribute("aria-hidden", "true");
    const parts = element("div", "parts");
    parts.append(element("span", "", `${total} ms ${metrics.mouthToEar ? "mouth to ear" : "voice to voice"}`));
    for (const [name, title] of STAGES) {
      const piece = element("span", `p-${name}`);
      piece.style.flexGrow = figures[name];
      bar.append(piece);
      const part = element("span", "", ` ${title} ${figures[name]}`);
      part.prepend(element("i", `p-${name}`));
      if (figures[name]) parts.append(part);
    }
    box.append(bar, parts);
    answer.box.after(box);
    this.#follow();
  }

  // ---------------------------------------------------------------- all of it

  restore(messages) {
    this.clear();
    for (const { role, text, heard } of messages) {
      if (!text) continue;
      const isUser = role === "ROLE_USER";
      const box = this.#add(isUser ? "user" : "agent", isUser ? "You" : "Answer");
      const words = box.querySelector(".words");
      words.textContent = text;
      if (!isUser && heard && heard !== "HEARD_WHOLE") words.append(element("span", "mark", "✂"));
    }
    this.#follow();
  }

  clear() {
    this.log.replaceChildren(this.empty);
    this.empty.hidden = false;
    this.answers.clear();
    this.hearing = null;
  }

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
    box.append(element("span", "who", `${who}: `), element("span", "words"));
    this.log.append(box);
    return box;
  }

  #follow() {
    const distance = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight;
    if (distance < 240) this.log.scrollTop = this.log.scrollHeight;
  }
}
