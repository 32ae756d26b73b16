/** Decides when a server that has ended by itself starts again. */

const FIRST_DELAY_MS = 1000;
/** After so many ends within the window the server stays down, as its own children do. */
const MAX_ENDS = 5;
const WINDOW_MS = 3 * 60_000;

export class Restarts {
  private ends: number[] = [];

  /** Returns the delay before the next start, in ms; undefined to stay down. */
  next(nowMs: number): number | undefined {
    this.ends = [...this.ends.filter((at) => nowMs - at < WINDOW_MS), nowMs];
    return this.ends.length < MAX_ENDS
      ? FIRST_DELAY_MS * 2 ** (this.ends.length - 1)
      : undefined;
  }

  /** Forgets the past: the user asked for a start. */
  forgive(): void {
    this.ends = [];
  }
}
