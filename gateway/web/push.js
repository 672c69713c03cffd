// Push to talk: pressed once, released once, however the finger, the key or the window goes away.
export class PushToTalk {
  // `on`: press(), release(), cancel(); `isActive()`: whether a press counts at the moment.
  constructor(button, isActive, on) {
    Object.assign(this, { button, isActive, on, by: null });
    button.addEventListener("pointerdown", (event) => this.#pointerDown(event));
    button.addEventListener("click", (event) => this.#clicked(event));
    button.addEventListener("contextmenu", (event) => event.preventDefault());   // of a long press
    window.addEventListener("pointerup", () => this.#end("pointer", "release"));
    window.addEventListener("pointercancel", () => this.#end("pointer", "cancel"));
    button.addEventListener("lostpointercapture", () => this.#end("pointer", "release"));
    // Capturing, so that nothing between here and the element in focus can keep a key's release to itself.
    window.addEventListener("keydown", (event) => this.#keyDown(event), true);
    window.addEventListener("keyup", (event) => this.#end(event.key, "release"), true);
    // What happens outside of the window is not told: whoever leaves has let go.
    window.addEventListener("blur", () => this.letGo());
    window.addEventListener("pagehide", () => this.letGo());
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.letGo(); });
  }

  letGo() { this.#end(this.by, "release"); }

  // The connection is gone, and with it whatever was held.
  forget() { this.by = null; }

  #begin(by) {
    if (this.by !== null || !this.isActive()) return;
    this.by = by;
    this.on.press();
  }

  #end(by, how) {
    if (this.by === null || this.by !== by) return;
    this.by = null;
    this.on[how]();
  }

  #pointerDown(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    try {
      this.button.setPointerCapture(event.pointerId);   // released beside the button is released
    } catch {
      // A pointer that has gone already; the window hears of its end.
    }
    this.#begin("pointer");
  }

  #keyDown(event) {
    const isMine = event.key === " " ? isFree(event.target, this.button) : event.key === "Enter" && event.target === this.button;
    if (!isMine || event.ctrlKey || event.metaKey || event.altKey || !this.isActive()) return;
    event.preventDefault();   // neither a click nor a scroll
    if (!event.repeat) this.#begin(event.key);
  }

  // A click that no pointer and no key made: whoever cannot hold (voice control, a switch, a screen reader) switches.
  #clicked(event) {
    if (event.detail !== 0) return;
    if (this.by === "click") this.#end("click", "release");
    else this.#begin("click");
  }
}

// Whether the space bar means nothing else where the focus is.
function isFree(target, button) {
  if (target === button || !target.closest) return true;
  return !target.closest("input, select, textarea, button, a, dialog, [contenteditable]");
}
