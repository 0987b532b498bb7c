/** Runs `work` over the items, so many at once, and passes results on as they come. */
export async function* mapBounded<Item, Result>(
  items: Iterable<Item>,
  most: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running = new Map<number, Promise<readonly [number, Result]>>();
  let next = 0;
  try {
    for (const item of items) {
      const id = next;
      next += 1;
      running.set(
        id,
        work(item).then((result) => [id, result] as const),
      );
      if (running.size >= most) yield await takeFirst(running);
    }
    while (running.size > 0) yield await takeFirst(running);
  } finally {
    await Promise.allSettled(running.values());
  }
}

async function takeFirst<Result>(running: Map<number, Promise<readonly [number, Result]>>): Promise<Result> {
  const [id, result] = await Promise.race(running.values());
  running.delete(id);
  return result;
}
