/** Wakes one waiter; a change that comes before the wait is not lost. */
export class ChangeSignal {
  #isRaised = false;
  #wake: (() => void) | undefined;

  raise(): void {
    this.#isRaised = true;
    this.#wake?.();
  }

  async wait(): Promise<void> {
    if (!this.#isRaised) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#isRaised = false;
    this.#wake = undefined;
  }
}
