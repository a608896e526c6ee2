/** The content of a block that is being decoded, front to back, for those who wait for a part of it. */

/** Says that the first `filledSize` bytes of `content` are there. */
export type Grow = (content: Buffer, filledSize: number) => void;

export interface GrowingContent {
  /** All of it. Rejects with what stands in its way. */
  readonly whole: Promise<Buffer>;
  /** The content, where its first `end` bytes are there. */
  find(end: number): Buffer | undefined;
  /** The content, when its first `end` bytes are there. Rejects as `whole` does where they never come. */
  wait(end: number): Promise<Buffer>;
}

interface Waiter {
  readonly end: number;
  readonly resolve: (content: Buffer) => void;
}

/** Starts `make`, which may tell how far it has come, and returns the content when all of it is there. */
export function growContent(make: (grow: Grow) => Promise<Buffer>): GrowingContent {
  let waiters: Waiter[] = [];
  let filled: { readonly content: Buffer; readonly size: number } | undefined;
  const grow: Grow = (content, size) => {
    filled = { content, size };
    const answered = waiters.filter(({ end }) => end <= size);
    if (answered.length === 0) return;
    waiters = waiters.filter(({ end }) => end > size);
    for (const { resolve } of answered) resolve(content);
  };
  const find = (end: number): Buffer | undefined =>
    filled !== undefined && end <= filled.size ? filled.content : undefined;
  const whole = make(grow);
  return {
    whole,
    find,
    async wait(end) {
      const content = find(end);
      if (content !== undefined) return content;
      return Promise.race([whole, new Promise<Buffer>((resolve) => waiters.push({ end, resolve }))]);
    },
  };
}
