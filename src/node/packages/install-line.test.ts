import { expect, it } from 'vitest';
import { InstallLine } from './install-line.ts';
import { PACKAGE_LIMITS } from './limits.ts';

it('lets one install run at a time, others in their order, and goes on when one fails', async () => {
  const line = new InstallLine();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const act = (id: string) => async () => {
    seen.push(`${id} begins`);
    if (id === 'a') await gate.promise;
    seen.push(`${id} ends`);
    if (id === 'a') throw new Error('no luck');
  };
  const turns = Promise.allSettled(['a', 'b'].map((id) => line.inTurn(id, act(id))));
  expect(line.length).toBe(2);
  gate.resolve();
  expect((await turns).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  expect(line.length).toBe(0);
});

it('lets a second of one package wait; what wants it free is refused', async () => {
  const line = new InstallLine();
  const gate = Promise.withResolvers<string>();
  const turns = [line.inTurn('a', () => gate.promise), line.inTurn('a', async () => 'second')];
  await expect(line.ifFree('a', async () => {})).rejects.toMatchObject({ code: 'package_busy' });
  const other = line.ifFree('b', async () => 'other');
  gate.resolve('first');
  expect(await Promise.all([...turns, other])).toEqual(['first', 'second', 'other']);
  expect(await line.ifFree('a', async () => 'free')).toBe('free');
});

it('takes no more than may wait', async () => {
  const line = new InstallLine();
  const gate = Promise.withResolvers<void>();
  const all = Array.from({ length: PACKAGE_LIMITS.waitingInstalls + 1 }, (_, index) =>
    line.inTurn(`p${index}`, () => gate.promise),
  );
  await expect(line.inTurn('more', async () => {})).rejects.toMatchObject({ code: 'too_many_waiting' });
  gate.resolve();
  await Promise.all(all);
  await line.idle();
});
