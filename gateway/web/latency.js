// What an answer took: one figure, one bar on the same scale under every answer, and its parts for who wants them.
const FULL_MS = 3000;   // of the whole bar: a longer wait is a longer bar, and one beyond it ends in a point

const STAGES = [
  ["hold", "waiting for the end of your turn"],
  ["stt", "hearing"],
  ["llm", "thinking"],
  ["clause", "finding words"],
  ["tts", "voice"],
  ["net", "way and buffer"],
];

// "0.512s" as proto3 JSON writes a duration → milliseconds
const ms = (duration) => (duration === undefined ? 0 : Math.round(parseFloat(duration) * 1000));

// TurnMetrics → milliseconds by stage, and all of them together; null where there was no voice to count from.
export function stagesOf(metrics) {
  if (metrics.voiceToVoice === undefined) return null;
  const left = ms(metrics.voiceToVoice);   // the server
  const total = ms(metrics.mouthToEar) || left;
  const hold = Math.min(ms(metrics.endOfTurnDelay), left);
  let rest = left - hold;
  const visible = (took) => {   // what was made while the turn was not known to be over took no time
    const shown = Math.min(Math.max(0, took), rest);
    rest -= shown;
    return shown;
  };
  const tts = visible(ms(metrics.ttsFirstAudio));
  const llm = visible(ms(metrics.llmFirstToken));
  const stt = visible(ms(metrics.sttFinalDelay) - hold);
  const clause = rest;   // from the first words to enough to say
  return { total, parts: { hold, stt, llm, clause, tts, net: Math.max(0, total - left) } };
}

function element(kind, classes, text = "") {
  const made = document.createElement(kind);
  made.className = classes;
  made.textContent = text;
  return made;
}

export function latencyOf({ total, parts }, isHeard) {
  const box = element("div", "latency");
  const button = element("button", "took");
  button.type = "button";
  const seconds = (total / 1000).toFixed(1);
  const name = element("span", "unseen", ` from your last word to the first of the answer${isHeard ? "" : ", as it left the server"}. Its parts`);
  const bar = barOf(parts);
  bar.classList.toggle("beyond", total > FULL_MS);
  button.append(element("span", "figure", `${seconds} s`), name, bar);
  const list = element("ul", "parts");
  for (const [stage, title] of STAGES) {
    if (!parts[stage]) continue;
    const part = element("li", "", `${title} ${parts[stage]} ms`);
    part.prepend(element("i", `p-${stage}`));
    list.append(part);
  }
  const open = (on) => {
    list.hidden = !on;
    button.setAttribute("aria-expanded", on);
  };
  button.addEventListener("click", () => open(list.hidden));
  open(false);
  box.append(button, list);
  return box;
}

function barOf(parts) {
  const bar = element("span", "bar");
  bar.setAttribute("aria-hidden", "true");
  let left = FULL_MS;
  for (const [stage] of STAGES) {
    const length = Math.min(parts[stage], left);
    left -= length;
    if (!length) continue;
    const piece = element("span", `p-${stage}`);
    piece.style.width = `${length / FULL_MS * 100}%`;
    bar.append(piece);
  }
  return bar;
}
