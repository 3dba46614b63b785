/**
 * Windows of one account share one stream of changes: browsers open six connections to a host at most, and each stream keeps one of them,
 * so that without this the seventh window, and pages that wait behind "back", would hear and load nothing.
 */

export interface Heard {
  /** Where the stream is; empty: nothing of what is kept. */
  id: string;
  /** Nothing that is kept has changed. */
  presence: boolean;
}

type Stream = (tell: (heard: Heard) => void) => Promise<void>;

/** Until the signal aborts: `stream` runs in one window, all of them hear; when that window is closed, another one takes it on. */
export async function share(name: string, stream: Stream, hear: (heard: Heard) => void, signal: AbortSignal): Promise<void> {
  // Locks are there in secure contexts only.
  if (!("locks" in navigator)) return stream(hear);
  const channel = new BroadcastChannel(name);
  channel.onmessage = (event: MessageEvent<Heard>) => hear(event.data);
  signal.addEventListener("abort", () => channel.close());
  const run = () =>
    stream((heard) => {
      if (signal.aborted) return;
      channel.postMessage(heard);
      hear(heard);
    });
  const first = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock !== null) await run();
    return lock !== null;
  });
  if (first || signal.aborted) return;
  hear({ id: "", presence: false }); // what happened since this window looked
  await navigator.locks.request(name, { signal }, run).catch(() => undefined);
}
