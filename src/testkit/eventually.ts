/** Asks again until the answer is right: for states that another process reaches in its own time. */
const PATIENCE_MS = 20_000;

/** Resolves with the first answer of `ask` that `isRight`; rejects with the last one when patience runs out. */
export async function eventually<T>(
  ask: () => Promise<T>,
  isRight: (answer: T) => boolean,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (performance.now() > deadlineMs)
      throw new Error(`Waited ${patienceMs} ms in vain; last answer: ${JSON.stringify(answer)}`);
  }
}

/** Lets sockets, files and timers have their say between two looks at something in this process. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
