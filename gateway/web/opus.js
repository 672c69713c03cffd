// Opus packets of 20 ms by the browser's own codec (WebCodecs): 24 kbit/s, where PCM at 16 kHz takes 256.
export const DECODED_HZ = 48000;   // whatever it was made from (RFC 6716, 2)

const UP = {
  codec: "opus", sampleRate: 16000, numberOfChannels: 1, bitrate: 24000,
  opus: { application: "voip", frameDuration: 20000 },
};
const DOWN = { codec: "opus", sampleRate: DECODED_HZ, numberOfChannels: 1 };
const PACKET_US = 20000;

export async function isAble() {
  if (!window.AudioEncoder || !window.AudioDecoder) return false;
  try {
    const [up, down] = [await AudioEncoder.isConfigSupported(UP), await AudioDecoder.isConfigSupported(DOWN)];
    return up.supported && down.supported;
  } catch {
    return false;   // a browser that knows the codec by another form of configuration
  }
}

export class OpusEncoder {
  // `onPacket`: bytes, offset of its first sample. `onFailure`: the codec gave up.
  constructor(onPacket, onFailure) {
    this.offsets = [];
    const output = (chunk) => {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      onPacket(bytes, this.offsets.shift());
    };
    this.codec = new AudioEncoder({ output, error: onFailure });
    this.codec.configure(UP);
  }

  // 20 ms, PCM16.
  encode(frame, offset) {
    this.offsets.push(offset);
    const shape = { format: "s16", sampleRate: UP.sampleRate, numberOfChannels: 1, numberOfFrames: frame.length };
    const data = new AudioData({ ...shape, timestamp: offset * 1e6 / UP.sampleRate, data: frame });
    this.codec.encode(data);
    data.close();
  }

  close() { if (this.codec.state !== "closed") this.codec.close(); }
}

export class OpusDecoder {
  // `onSound`: samples as floats at `DECODED_HZ`, and what `decode` was told with the packet, in the same order.
  constructor(onSound, onFailure) {
    this.onSound = onSound;
    this.places = [];
    this.count = 0;
    const output = (data) => {
      const samples = new Float32Array(data.numberOfFrames);
      data.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      data.close();
      onSound(samples, this.places.shift());
      this.#passEmpty();
    };
    this.codec = new AudioDecoder({ output, error: onFailure });
    this.codec.configure(DOWN);
  }

  decode(packet, place) {
    this.places.push(packet.length ? place : { ...place, isEmpty: true });
    if (!packet.length) return this.#passEmpty();
    this.codec.decode(new EncodedAudioChunk({ type: "key", timestamp: this.count++ * PACKET_US, data: packet }));
  }

  close() { if (this.codec.state !== "closed") this.codec.close(); }

  // The last piece of an answer may hold no sound; it waits for those before it.
  #passEmpty() {
    while (this.places[0]?.isEmpty) this.onSound(new Float32Array(0), this.places.shift());
  }
}
