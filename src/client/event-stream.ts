/** Server-sent events of a response: the frames that arrived whole. A frame that was cut is not given. */

export interface Frame {
  readonly id: string | undefined;
  /** Of an event that has one. */
  readonly name: string | undefined;
  readonly data: string;
  /** How long to wait before connecting again, in milliseconds. */
  readonly retryMs: number | undefined;
}

/** Longest frame that is taken, in characters. */
const MAX_FRAME = 64 * 1024 * 1024;

/** Ends with the stream, and where the signal aborts; rejects where reading does. `onChunk` hears of anything that arrives. */
export async function* framesOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  onChunk: () => void,
): AsyncGenerator<Frame, void, undefined> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  signal.addEventListener('abort', stop);
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onChunk();
      // Only what is new may have the end of a frame, and one character before it.
      const from = Math.max(text.length - 1, 0);
      text += decoder.decode(value, { stream: true });
      if (!text.includes('\n\n', from)) {
        if (text.length > MAX_FRAME) throw new Error('an event is too long');
        continue;
      }
      const frames = text.split('\n\n');
      text = frames.pop() ?? '';
      for (const frame of frames) yield frameOf(frame);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    await reader.cancel().catch(() => {});
  }
}

function frameOf(frame: string): Frame {
  const data: string[] = [];
  let id: string | undefined;
  let name: string | undefined;
  let retryMs: number | undefined;
  for (const line of frame.split('\n')) {
    if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
    else if (line.startsWith('event:')) name = line.slice(line[6] === ' ' ? 7 : 6);
    else if (line.startsWith('id:')) id = line.slice(line[3] === ' ' ? 4 : 3);
    else if (/^retry: ?\d{1,6}$/.test(line)) retryMs = Number(line.slice(6));
  }
  return { id, name, data: data.join('\n'), retryMs };
}
