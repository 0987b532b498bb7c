import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LAWS, verifyEnd } from './laws.ts';
import { makeWorld } from './make-world.ts';

const share = (most: number) => fc.double({ min: 0, max: most, noNaN: true });
const fleets = fc.record({
  seed: fc.integer({ min: 0, max: 1_000_000 }),
  size: fc.integer({ min: 1, max: 40 }),
  deployers: fc.integer({ min: 1, max: 5 }),
  fails: share(0.3),
  hangs: share(0.1),
  hadNothing: share(0.5),
  leave: share(0.02),
  coordinatorDies: share(0.1),
});
const waves = fc.constantFrom<string[]>(
  ['100%'],
  ['1', '100%'],
  ['1', '10%', '50%', '100%'],
  ['2', '5', '25%', '100%'],
);
const specs = fc.record({ waves, max_failures: fc.constantFrom<number>(0, 0.05, 0.2, 1) });

test('whatever dies, fails, hangs or goes away: the laws hold at each step, and at the end nobody is on the wrong version', () => {
  fc.assert(
    fc.property(fleets, specs, (fleet, spec) => {
      const world = makeWorld({ ...fleet, spec });
      world.run(LAWS);
      world.settle();
      verifyEnd(world);
    }),
    { numRuns: 60 },
  );
});

test('a coordinator that dies at any moment is followed by another, and no node is in two waves nor left out', () => {
  const spec = { max_failures: 0.5 };
  const steps = makeWorld({ seed: 7, size: 20, spec }).run(LAWS);
  expect(steps).toBeGreaterThan(30);
  for (let moment = 0; moment < steps; moment += 1) {
    const world = makeWorld({ seed: 7, size: 20, comeBack: 0.02, spec });
    for (let step = 0; step < moment; step += 1) world.step(LAWS);
    const dying = world.options.nodes.find(({ nodeId }) => nodeId === world.rollout.state.coordinator);
    if (dying !== undefined) dying.online = false;
    world.run(LAWS);
    const { phase, waves: lists } = world.rollout.state;
    expect([phase, new Set(lists.flat()).size]).toEqual(['done', lists.flat().length]);
    world.settle();
    verifyEnd(world);
  }
});

test('a mesh in two parts has two coordinators; when it is one again they are one, and everybody ends alike', () => {
  fc.assert(
    fc.property(fleets, specs, fc.nat(60), fc.nat(100), (fleet, spec, splitAt, apart) => {
      const world = makeWorld({ ...fleet, spec });
      for (let step = 0; step < splitAt; step += 1) world.step();
      world.split();
      for (let step = 0; step < apart; step += 1) world.step();
      world.heal();
      world.run();
      world.settle();
      verifyEnd(world);
    }),
    { numRuns: 40 },
  );
});

test('pause holds the next wave back, resume lets it go on, abort takes everybody back', () => {
  const world = makeWorld({ seed: 3, size: 30, spec: { max_failures: 1 } });
  while (world.rollout.state.waves.length < 2) world.step(LAWS);
  expect(world.change('pause')).toBe(true);
  for (let step = 0; step < 500; step += 1) world.step(LAWS);
  expect([world.rollout.state.phase, world.rollout.state.waves.length]).toEqual(['paused', 2]);
  expect(world.change('resume')).toBe(true);
  while (world.rollout.state.waves.length < 3) world.step(LAWS);
  expect(world.change('abort')).toBe(true);
  world.run(LAWS);
  expect(world.rollout.state.phase).toBe('rolled_back');
  expect(world.change('resume')).toBe(false);
  world.settle();
  verifyEnd(world);
});
