/** Notes of the sound, in hertz, and how far apart they are, in seconds. */
const NOTES = [659, 784, 988];
const STEP = 0.18;

let audio: AudioContext | undefined;

/** Allows the sound. Browsers let a page play one only after a click, which calls this. */
export function allowChime(): void {
  audio ??= new AudioContext();
  void audio.resume();
}

export function forbidChime(): void {
  void audio?.close();
  audio = undefined;
}

export function isChimeAllowed(): boolean {
  return audio !== undefined;
}

/** Plays the sound, if it was allowed. */
export function chime(): void {
  if (!audio) return;
  for (const [index, note] of NOTES.entries()) {
    const tone = new OscillatorNode(audio, { frequency: note });
    const start = audio.currentTime + index * STEP;
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0.25, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 3 * STEP);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 3 * STEP);
  }
}
