// What the gateway is asked before a conversation: what there is to choose from, and what was said before.
import { remembered, sessionId } from "./choices.js";
import { isAble as isAbleOfOpus } from "./opus.js";

const ASK_MS = 10_000;   // the gateway itself gives up after 9 s
const HISTORY_MS = 10_000;   // for which a server that is away is asked again what was said before
const HISTORY_STEP_MS = 500;

// What HTTP can carry in a header, and no white space: anything else is not sent, since it cannot be right.
const TOKEN = /^[\x21-\x7e]+$/;

export class Server {
  constructor() {
    this.info = null;   // {server, voices, personas, webrtc, ice_servers}
    this.asking = null;
  }

  // Asked anew, with another token.
  forget() { this.info = this.asking = null; }

  // null once it is known, else {code, message}; `code` as a socket would be closed with. Whoever asks meanwhile gets the
  // same answer.
  learn() {
    if (!this.asking) {
      const asking = this.asking = this.#ask().finally(() => { if (this.asking === asking) this.asking = null; });
    }
    return this.asking;
  }

  async #ask() {
    if (this.info) return null;
    try {
      const token = remembered("token");
      if (token && !TOKEN.test(token)) return { code: 4401, message: "" };
      const answer = await fetch("/v1/info", { headers: authorization(), signal: AbortSignal.timeout(ASK_MS) });
      if (answer.ok) {
        this.info = await answer.json();
        return null;
      }
      const { error } = await answer.json();
      return { code: error?.code ?? 4503, message: error?.message ?? answer.statusText };
    } catch (error) {
      return { code: 1006, message: error.message };   // no gateway, or none that speaks as ours
    }
  }

  // What was said before in this conversation; empty where nothing is known of it.
  async history() {
    if (!remembered("session") || remembered("known") !== sessionId()) return [];
    for (const until = performance.now() + HISTORY_MS; performance.now() < until; await pause(HISTORY_STEP_MS)) {
      try {
        const answer = await fetch(`/v1/sessions/${encodeURIComponent(sessionId())}`, { headers: authorization() });
        if (answer.ok) return (await answer.json()).messages ?? [];
        if (answer.status !== 503) return [];
      } catch (error) {
        console.info(`what was said before cannot be asked: ${error.message}`);
      }
    }
    return [];   // away: the connection itself will tell
  }

  // Why the gateway let no socket in, which browsers do not tell: a close code.
  async whyShut() {
    try {
      const answer = await fetch("/health", { signal: AbortSignal.timeout(ASK_MS) });
      return answer.ok ? 1013 : 4503;
    } catch {
      return 1006;
    }
  }

  get isRtc() { return remembered("transport") === "rtc" && Boolean(this.info?.webrtc); }

  get iceServers() {
    return (this.info?.ice_servers ?? []).map((text) => {
      const [, scheme, user, password, address] = /^(\w+):(?:([^:@]*):([^@]*)@)?(.*)$/.exec(text) ?? [];
      return user ? { urls: `${scheme}:${address}`, username: user, credential: password } : { urls: text };
    });
  }

  async takesOpus() {
    const isKnown = (encodings) => encodings?.includes("AUDIO_ENCODING_OPUS_PACKET");
    const { inputEncodings, outputEncodings } = this.info?.server ?? {};
    return remembered("transport") !== "pcm" && isKnown(inputEncodings) && isKnown(outputEncodings) && isAbleOfOpus();
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function authorization() {
  const token = remembered("token");
  return token ? { Authorization: `Bearer ${token}` } : {};
}
