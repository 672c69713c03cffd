// The settings: what there is to choose from, and what was chosen.
import { remember, remembered } from "./choices.js";
import { voiceGroups } from "./voices.js";

const $ = (id) => document.getElementById(id);
const SELECTS = ["persona", "voice", "language", "transport", "device"];
const LANGUAGES = ["en", "de", "es", "fr", "it", "pt", "nl", "pl", "tr", "ru", "uk", "ja", "ko", "zh", "hi", "ar"];
const DETECTED = 8;   // languages to tell apart, at most; with more of them short words are taken for another one

export class Settings {
  // `on`: changed(), what a conversation is made of · keys(), whether letters are shortcuts · forgotten(), a new conversation is wanted · tokenForgotten()
  constructor(on) {
    this.info = null;
    for (const name of SELECTS) {
      $(name).value = remembered(name) || $(name).value;
      $(name).addEventListener("change", () => {
        remember(name, $(name).value);
        this.#fillVoices();
        on.changed();
      });
    }
    for (const [name, isOn] of [["push", remembered("push") === "on"], ["keys", remembered("keys") !== "off"]]) {
      $(name).checked = isOn;
      $(name).addEventListener("change", () => {
        remember(name, $(name).checked ? "on" : "off");
        on[name === "push" ? "changed" : "keys"]();
      });
    }
    $("forget").addEventListener("click", () => { $("settings").close(); on.forgotten(); });
    $("forget-token").addEventListener("click", () => {
      remember("token", "");
      $("settings").close();
      on.tokenForgotten();
    });
    $("settings-button").addEventListener("click", () => this.open());
    $("settings-close").addEventListener("click", () => $("settings").close());
    // A click beside the sheet is one on the dialog itself, which is all backdrop there.
    $("settings").addEventListener("click", (event) => { if (event.target === $("settings")) $("settings").close(); });
  }

  async open() {
    $("token-row").hidden = !remembered("token");
    $("settings").showModal();
    const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    const named = devices.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId)
      .map(({ deviceId, label }, n) => new Option(label || `Microphone ${n + 1}`, deviceId));
    fill($("device"), named, remembered("device"));
  }

  // What the server has. A choice that it has no more is not asked of it.
  know(info) {
    if (this.info === info) return;
    this.info = info;
    const [mine, others] = [info.personas.filter(isDefault), info.personas.filter((each) => !isDefault(each))];
    const personas = [...mine, ...others].map((each) => new Option(each.name, each.personaId));
    if (mine.length) $("persona").replaceChildren(...personas);
    else fill($("persona"), personas, "");
    choose($("persona"), remembered("persona") || "default");
    this.#fillLanguages();
    this.#fillVoices();
    $("transport").namedItem("rtc").disabled = !info.webrtc;
    if (!info.webrtc && $("transport").value === "rtc") $("transport").value = "ws";
  }

  // As a conversation is asked for.
  chosen() {
    const [persona, voice, language] = ["persona", "voice", "language"].map((name) => $(name).value);
    return { persona, voice, languages: language ? language.split(",") : [] };
  }

  #fillLanguages() {
    const known = LANGUAGES.filter((tag) => this.info.server.languages?.includes(tag));
    const names = new Intl.DisplayNames([navigator.language, "en"], { type: "language" });
    const detected = known.length > 1 ? [new Option("Whichever I speak", known.slice(0, DETECTED).join(","))] : [];
    fill($("language"), [...detected, ...known.map((tag) => new Option(names.of(tag), tag))], remembered("language"));
  }

  #fillVoices() {
    if (!this.info) return;
    const persona = this.info.personas.find((each) => each.personaId === $("persona").value);
    $("persona-about").textContent = persona?.description ?? "";
    const spoken = $("language").value || persona?.languageCode;
    const tags = spoken ? spoken.split(",") : [...navigator.languages, "en"];
    const groups = voiceGroups(this.info.voices, tags, navigator.language).map(({ label, voices }) => {
      const group = document.createElement("optgroup");
      group.label = label;
      group.append(...voices.map(({ id, name }) => new Option(name, id)));
      return group;
    });
    fill($("voice"), groups, remembered("voice"));
  }
}

const isDefault = ({ personaId }) => personaId === "default";

// The first option stays: it leaves the choice to the server.
function fill(select, entries, chosen) {
  select.replaceChildren(select.options[0], ...entries);
  choose(select, chosen);
}

function choose(select, value) {
  select.value = value;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
}
