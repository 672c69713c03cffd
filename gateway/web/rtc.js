// A conversation over WebRTC: sound on tracks, everything else on a data channel in `voice.v1.json`.
const LEVEL_MS = 60;
const DOUBT_MS = 4000;   // browsers go on hoping for half a minute
const ON_THE_WAY_MS = 1000;   // from one look at how much of the answers is on its way to the ear to the next
const RATE = 48000;   // of the answers' track: the gateway counts what it plays of them

export class RtcLink {
  constructor(on) {
    this.on = on;
    this.isOver = false;
    this.isListening = true;
  }

  // Sound that was under way is gone with its peer, and the next call has another one.
  get isReusable() { return false; }

  lose() { return this.close(); }

  restart() {}

  begun() {}   // the gateway numbers what is said, and says again what was lost behind it

  // `config()`: asked for as it is sent. `stream`: the microphone's; null without one.
  async open(config, { token, stream, iceServers }) {
    if (this.isOver) return;   // hung up meanwhile
    const peer = this.peer = new RTCPeerConnection({ iceServers });
    if (stream) await this.listen(stream);
    else peer.addTransceiver("audio");
    const channel = this.channel = peer.createDataChannel("voice");
    channel.onopen = () => this.send({ ...(token ? { authorization: `Bearer ${token}` } : {}), config: config() });
    channel.onmessage = ({ data }) => this.#take(JSON.parse(data));
    channel.onclose = () => this.#over(this.farewell?.code ?? 1006, this.farewell?.message ?? "");
    peer.onconnectionstatechange = () => {
      clearTimeout(this.doubt);
      if (["failed", "closed"].includes(peer.connectionState)) this.#over(1006, "");
      else if (peer.connectionState === "disconnected") this.doubt = setTimeout(() => this.#over(1006, ""), DOUBT_MS);
    };
    peer.ontrack = ({ streams, track }) => this.#play(streams[0] ?? new MediaStream([track]));
    await peer.setLocalDescription();
    await gathered(peer);
    if (!this.isOver) await this.#offer(token);
  }

  async #offer(token) {
    const headers = { "Content-Type": "application/sdp", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    const answer = await fetch("/v1/webrtc", { method: "POST", headers, body: this.peer.localDescription.sdp });
    if (!answer.ok) return this.#over(...await refusal(answer));
    this.place = answer.headers.get("Location");
    if (this.isOver) return this.#leave();
    await this.peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  }

  // A copy of the microphone's track is sent: switching it off leaves the one of the page as it is.
  async listen(stream) {
    this.sent?.stop();
    const track = this.sent = stream.getAudioTracks()[0].clone();
    track.enabled = this.isListening;
    const [sender] = this.peer.getSenders();
    if (sender) await sender.replaceTrack(track);
    else this.peer.addTrack(track, stream);
    this.#meter(stream, "user");
  }

  #play(stream) {
    this.audio = new Audio();
    this.audio.srcObject = stream;
    this.audio.play();
    this.#meter(stream, "agent");
    this.timers.push(setInterval(() => this.#tellOnTheWay(), ON_THE_WAY_MS));
  }

  // What has left the gateway is on the network, and then in the browser's jitter buffer: a mean since the last look.
  async #tellOnTheWay() {
    const stats = [...(await this.peer.getStats()).values()];
    const { jitterBufferDelay: held = 0, jitterBufferEmittedCount: played = 0 } =
      stats.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio") ?? {};
    const before = this.emitted ?? { held: 0, played: 0 };
    this.emitted = { held, played };
    if (played <= before.played) return;
    const pair = stats.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
    const seconds = (held - before.held) / (played - before.played) + (pair?.currentRoundTripTime ?? 0) / 2;
    this.send({ playback: { bufferedSamples: Math.round(Math.max(0, seconds) * RATE) } });
  }

  #meter(stream, whose) {
    this.context ??= new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    this.context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.timers ??= [];
    this.timers.push(setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      this.on.level(samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0), whose);
    }, LEVEL_MS));
  }

  get isOpen() { return this.channel?.readyState === "open"; }

  send(message) { if (this.isOpen) this.channel.send(JSON.stringify(message)); }

  // Whether what the microphone hears is sent.
  gate(isOpen) {
    this.isListening = isOpen;
    if (this.sent) this.sent.enabled = isOpen;
  }

  obey() {}   // the gateway lowers, holds and clears its own track

  finish() {}

  async close() {
    this.isOver = true;
    clearTimeout(this.doubt);
    for (const timer of this.timers ?? []) clearInterval(timer);
    this.peer?.close();
    this.sent?.stop();
    this.#leave();
    await this.context?.close();
  }

  #leave() {
    if (this.place) fetch(this.place, { method: "DELETE", keepalive: true }).catch(() => {});
    this.place = null;
  }

  #take(message) {
    if (message.error) this.farewell = message.error;
    if (message.sessionEnded) this.farewell = { code: 1000, message: "" };
    const { turn, audio, playback } = message;
    if (audio) this.on.message({ turn, sound: { segment: audio.segmentIndex ?? 0, offset: Number(audio.offsetSamples ?? 0) } });
    else if (playback) this.#played(playback);
    else this.on.message(message);
  }

  #played({ turn, state, playedSamples }) {
    this.on.played({ turn, played: Number(playedSamples ?? 0), rate: RATE, isOver: state === "STATE_FINISHED" });
  }

  #over(code, reason) {
    if (this.isOver) return;
    this.isOver = true;
    this.on.closed(code, reason);
  }
}

// The gateway's no to an offer, as a socket would be closed with it.
async function refusal(answer) {
  const text = await answer.text();
  if ([429, 503].includes(answer.status) && !text.startsWith("{")) return [1013, text];   // no room here
  try {
    const { code, message } = JSON.parse(text).error;
    return [code, message];
  } catch {
    return [answer.status === 401 ? 4401 : 4503, text.slice(0, 200)];
  }
}

function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((done) => {
    const late = setTimeout(done, 2000);   // one that finds no more addresses goes on with what it has
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") { clearTimeout(late); done(); }
    });
  });
}
