// Which of a server's voices are offered, in what order, and what they are called.

// Voices put together by rule. They speak nearly everything, and nobody's first choice is to listen to them.
const ROBOTS = ["espeak-ng"];

const primary = (tag) => tag.split("-")[0].toLowerCase();

// `voices` as ListVoices tells them; `tags`: the languages that are wanted, the first one first; `shownIn`: the language
// that the names of languages are written in. → [{label, voices: [{id, name}]}], without empty groups.
export function voiceGroups(voices, tags, shownIn = "en") {
  const wanted = tags.map(primary);
  const rank = (voice) => wanted.indexOf(primary(voice.languageCode));
  const mine = voices.filter((voice) => rank(voice) >= 0);
  const label = languageNames(shownIn);
  const groups = [];
  for (const tag of new Set(wanted)) {
    const natural = mine.filter((voice) => primary(voice.languageCode) === tag && !isRobot(voice));
    groups.push({ label: label(tag), voices: named(natural, label) });
  }
  const robots = mine.filter(isRobot).sort((one, other) => rank(one) - rank(other));
  groups.push({ label: "Robot voices", voices: named(robots, label) });
  return groups.filter((group) => group.voices.length);
}

const isRobot = ({ engine }) => ROBOTS.includes(engine);

// By description; where two read the same, with what tells them apart in their ids.
function named(voices, label) {
  const plain = voices.map((voice) => (isRobot(voice) && voice.description) || natural(voice, label));
  return voices.map(({ voiceId }, n) => {
    const isAlone = plain.indexOf(plain[n]) === plain.lastIndexOf(plain[n]);
    return { id: voiceId, name: isAlone ? plain[n] : `${plain[n]}, ${tail(voiceId)}` };
  }).sort((one, other) => one.name.localeCompare(other.name));
}

const tail = (id) => id.split("-").at(-1);

// "en_US-joe-medium" → "Joe, American English"; "female, Neural2" of en-GB → "female, Neural2, British English"
function natural({ voiceId, languageCode, description }, label) {
  const [, own] = /^[a-z]{2,3}_[A-Z]{2}-(.+?)(?:-(?:x_low|low|medium|high))?$/.exec(voiceId) ?? [];
  const name = description || (own ?? voiceId).replaceAll("_", " ");
  return `${name[0].toUpperCase()}${name.slice(1)}, ${label(languageCode)}`;
}

function languageNames(shownIn) {
  const names = new Intl.DisplayNames([shownIn, "en"], { type: "language" });
  return (tag) => {
    try {
      return names.of(tag);
    } catch {
      return tag;   // no BCP 47: as the engine wrote it
    }
  };
}
