/** Resolves when the signal aborts, at once if it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** False when the promise has not settled in time. A rejection is the caller's. */
export async function isWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again until the answer is yes; false when the time is over. */
export async function becomesTrue(isSo: () => boolean, timeoutMs: number, everyMs = 50): Promise<boolean> {
  const endMs = performance.now() + timeoutMs;
  while (!isSo()) {
    if (performance.now() >= endMs) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return true;
}
