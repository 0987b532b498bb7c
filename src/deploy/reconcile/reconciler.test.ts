import { describe, expect, it } from 'vitest';
import type { ModelId } from '../../core/index.ts';
import type { Desired } from '../types.ts';
import type { Reconciler } from './reconciler.ts';
import { manifestOf, World, wishOf } from './world.fixture.ts';

async function settle(reconciler: Reconciler): Promise<void> {
  await reconciler.start();
  await reconciler.idle();
}

/** A process from its start until nothing is to be done. */
async function live(world: World): Promise<void> {
  const { reconciler } = world.open();
  await settle(reconciler);
  await reconciler[Symbol.asyncDispose]();
}

async function deployed(...versions: string[]): Promise<World> {
  const world = new World();
  for (const version of versions) {
    world.wishes = [wishOf(version)];
    await live(world);
  }
  return world;
}

describe('Reconciler', () => {
  it('fetches, lets through the gate, probes and puts in force, in this order', async () => {
    const world = await deployed('1.0.0');
    expect(world.calls.filter((call) => !call.startsWith('isHere'))).toEqual([
      ...['fetch 1.0.0', 'fetched', 'gate 1.0.0', 'probe 1.0.0', 'activate 1.0.0'],
    ]);
    expect(world.row()).toMatchObject({ step: 'settled', status: 'Loaded', inForce: 'this', error: undefined });
    expect(world.inForce.get('acme/detector' as ModelId)).toBe('1.0.0');
    expect(world.events.map(([event]) => event)).toEqual([
      ...['deployment_began', 'deployment_probed', 'deployment_in_force'],
    ]);
  });

  it('does nothing the second time', async () => {
    const world = await deployed('1.0.0');
    const before = world.row();
    world.calls.length = 0;
    await live(world);
    expect(world.calls).toEqual(['isHere 1.0.0']);
    expect(world.row()).toBe(before);
  });

  it('keeps the version before as the way back, and deletes the one before that', async () => {
    const world = await deployed('1.0.0', '2.0.0', '3.0.0');
    expect(world.row()).toMatchObject({ version: '3.0.0', previous: { version: '2.0.0' }, inForce: 'this' });
    expect([...world.contents]).toEqual(['acme/detector@2.0.0', 'acme/detector@3.0.0']);
  });

  it('deletes nothing that was here before it was deployed', async () => {
    const world = new World();
    world.contents.add('acme/detector@1.0.0');
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) {
      world.wishes = [wishOf(version)];
      await live(world);
    }
    expect(world.contents.has('acme/detector@1.0.0')).toBe(true);
  });

  it('goes back to the version before without a fetch when the new one does not answer', async () => {
    const world = await deployed('1.0.0');
    world.bad.set('2.0.0', 'node of type Conv has wrong shape');
    world.wishes = [wishOf('2.0.0')];
    world.calls.length = 0;
    await live(world);
    expect(world.calls.slice(-2)).toEqual(['activate 1.0.0', 'probe 1.0.0']);
    expect(world.row()).toMatchObject({
      version: '2.0.0',
      status: 'Failed',
      inForce: 'previous',
      previousStatus: 'Loaded',
    });
    expect(world.row()?.error).toMatchObject({ code: 'probe_failed', message: expect.stringContaining('wrong shape') });
    expect(world.inForce.get('acme/detector' as ModelId)).toBe('1.0.0');
    expect(world.events.map(([event]) => event)).toContain('deployment_rolled_back');
  });

  it('goes back when the new one cannot be put in force', async () => {
    const world = await deployed('1.0.0');
    world.inactivable.add('2.0.0');
    world.wishes = [wishOf('2.0.0')];
    await live(world);
    expect(world.row()).toMatchObject({ status: 'Failed', inForce: 'previous', error: { code: 'activation_failed' } });
    expect(world.inForce.get('acme/detector' as ModelId)).toBe('1.0.0');
  });

  it('takes a first version that does not answer out of force', async () => {
    const world = new World();
    world.bad.set('1.0.0', 'it crashed');
    world.wishes = [wishOf('1.0.0')];
    await live(world);
    expect(world.row()).toMatchObject({ status: 'Failed', inForce: 'none', error: { code: 'probe_failed' } });
    expect(world.inForce.size).toBe(0);
  });

  it('says loudly when going back fails, and goes on trying until it is done', async () => {
    const world = await deployed('1.0.0');
    world.bad.set('2.0.0', 'it crashed').set('1.0.0', 'out of memory');
    world.wishes = [wishOf('2.0.0')];
    const { reconciler } = world.open();
    await settle(reconciler);
    expect(world.row()).toMatchObject({ step: 'rollback', status: 'Failed', error: { code: 'rollback_failed' } });
    expect(world.row()?.error?.message).toMatch(/1\.0\.0 failed: out of memory.*it crashed/);
    expect(world.events.map(([event]) => event)).toContain('deployment_rollback_failed');
    world.bad.delete('1.0.0');
    await world.clock.advance(60_000);
    await reconciler.idle();
    expect(world.row()).toMatchObject({ inForce: 'previous', previousStatus: 'Loaded' });
    expect(world.row()?.error?.code).toBe('probe_failed');
    await reconciler[Symbol.asyncDispose]();
  });

  it('probes what was refused a few times, and then waits for another order', async () => {
    const world = new World();
    world.bad.set('1.0.0', 'it hangs');
    world.wishes = [wishOf('1.0.0')];
    const { reconciler } = world.open();
    await settle(reconciler);
    await world.clock.advance(3_600_000);
    await reconciler.idle();
    expect(world.calls.filter((call) => call === 'probe 1.0.0')).toHaveLength(3);
    world.bad.clear();
    world.wishes = [wishOf('1.0.0', { order: 'again' })];
    reconciler.wake();
    await reconciler.idle();
    expect(world.row()?.status).toBe('Loaded');
    await reconciler[Symbol.asyncDispose]();
  });

  it('tries a fetch in vain again later, and at once when told that somebody came', async () => {
    const world = new World();
    world.unfetchable.set('1.0.0', Object.assign(new Error('nobody answers'), { code: 'timed_out' }));
    world.wishes = [wishOf('1.0.0')];
    const { reconciler } = world.open();
    await settle(reconciler);
    expect(world.row()).toMatchObject({ status: 'Failed', error: { code: 'timed_out' }, attempts: 1 });
    await world.clock.advance(5_000);
    await reconciler.idle();
    expect(world.row()?.attempts).toBe(2);
    world.unfetchable.clear();
    reconciler.hurry((row) => row.error?.code === 'timed_out');
    await reconciler.idle();
    expect(world.row()).toMatchObject({ status: 'Loaded', attempts: 0 });
    await reconciler[Symbol.asyncDispose]();
  });

  it('writes every reason of a refusal, fetches nothing, and leaves what is in force', async () => {
    const world = await deployed('1.0.0');
    world.calls.length = 0;
    const refused = [
      { code: 'not_fit', message: 'needs 8 GB, 4 GB are there' },
      { code: 'no_space', message: '2 GB are free' },
    ];
    world.wishes = [wishOf('2.0.0', { refused })];
    await live(world);
    expect(world.calls).toEqual(['isHere 1.0.0']);
    expect(world.row()?.error).toEqual({ code: 'not_fit', message: 'needs 8 GB, 4 GB are there; 2 GB are free' });
    expect(world.row()).toMatchObject({
      inForce: 'previous',
      previousStatus: 'Loaded',
      previous: { version: '1.0.0' },
    });
    world.wishes = [wishOf('2.0.0')];
    await live(world);
    expect(world.row()).toMatchObject({ version: '2.0.0', status: 'Loaded', previous: { version: '1.0.0' } });
  });

  it('stops at the gate, with its reasons, and does not try again by itself', async () => {
    const world = new World();
    world.refusals = [{ code: 'unsafe_format', message: 'it imports os.system' }];
    world.wishes = [wishOf('1.0.0')];
    await live(world);
    expect(world.row()).toMatchObject({ status: 'Failed', error: { code: 'unsafe_format' }, retryAtMs: undefined });
    world.calls.length = 0;
    await live(world);
    expect(world.calls).toEqual([]);
  });

  it('is Ready without a probe where loading is not wanted, and never in force by that', async () => {
    const world = await deployed('1.0.0');
    world.wishes = [wishOf('2.0.0', { load: false })];
    await live(world);
    expect(world.row()).toMatchObject({
      version: '2.0.0',
      status: 'Ready',
      inForce: 'previous',
      previousStatus: 'Loaded',
    });
    expect(world.inForce.get('acme/detector' as ModelId)).toBe('1.0.0');
    world.wishes = [wishOf('2.0.0', { load: true })];
    await live(world);
    expect(world.row()).toMatchObject({ status: 'Loaded', inForce: 'this', previous: { version: '1.0.0' } });
  });

  it('goes to an older version without the network when told to, and forward again', async () => {
    const world = await deployed('1.0.0', '2.0.0');
    world.unfetchable.set('1.0.0', new Error('no network')).set('2.0.0', new Error('no network'));
    world.wishes = [wishOf('1.0.0', { order: 'back' })];
    await live(world);
    expect(world.row()).toMatchObject({ version: '1.0.0', status: 'Loaded', previous: { version: '2.0.0' } });
    world.wishes = [wishOf('2.0.0', { order: 'forward' })];
    await live(world);
    expect(world.row()).toMatchObject({ version: '2.0.0', status: 'Loaded', previous: { version: '1.0.0' } });
  });

  it('leaves a model as it is when its wish vanishes, and takes it away when told to', async () => {
    const world = await deployed('1.0.0', '2.0.0');
    world.wishes = [];
    await live(world);
    expect(world.row()?.status).toBe('Loaded');
    world.wishes = [wishOf('2.0.0', { presence: 'absent', order: 'remove' })];
    await live(world);
    expect(world.state()).toEqual({ rows: [], contents: [], inForce: {} });
    await live(world);
    expect(world.rows.size).toBe(0);
  });

  it('gets what is in force and no longer here again', async () => {
    const world = await deployed('1.0.0');
    world.contents.clear();
    await live(world);
    expect(world.row()).toMatchObject({ status: 'Loaded', inForce: 'this' });
    expect(world.contents.size).toBe(1);
  });

  it('leaves a run for a wish that is over, and ends with the newest', async () => {
    const world = new World();
    world.wishes = [wishOf('1.0.0')];
    const { reconciler } = world.open();
    await reconciler.start();
    world.wishes = [wishOf('2.0.0')];
    reconciler.wake();
    await reconciler.idle();
    expect(world.row()).toMatchObject({ version: '2.0.0', status: 'Loaded' });
    await reconciler[Symbol.asyncDispose]();
  });

  it('loses nothing when the disk is full in the middle of a switch', async () => {
    const world = await deployed('1.0.0');
    world.wishes = [wishOf('2.0.0')];
    const { reconciler } = world.open();
    await reconciler.start();
    await Promise.resolve();
    world.isDiskFull = true;
    await reconciler.idle();
    expect(world.inForce.get('acme/detector' as ModelId)).toBe('1.0.0');
    world.isDiskFull = false;
    await world.clock.advance(20_000);
    await reconciler.idle();
    expect(world.row()).toMatchObject({ version: '2.0.0', status: 'Loaded' });
    await reconciler[Symbol.asyncDispose]();
  });
});

interface Story {
  readonly about: string;
  readonly before: readonly string[];
  readonly wish: Desired;
  readonly spoil?: (world: World) => void;
}

const STORIES: readonly Story[] = [
  { about: 'a first deployment', before: [], wish: wishOf('1.0.0') },
  { about: 'another version', before: ['1.0.0', '2.0.0'], wish: wishOf('3.0.0') },
  { about: 'a version without loading', before: ['1.0.0'], wish: wishOf('2.0.0', { load: false }) },
  {
    about: 'a version that does not answer',
    before: ['1.0.0'],
    wish: wishOf('2.0.0'),
    spoil: (world) => world.bad.set('2.0.0', 'bad'),
  },
  {
    about: 'a version that cannot be put in force',
    before: ['1.0.0'],
    wish: wishOf('2.0.0'),
    spoil: (world) => world.inactivable.add('2.0.0'),
  },
  { about: 'the way back', before: ['1.0.0', '2.0.0'], wish: wishOf('1.0.0', { order: 'back' }) },
  { about: 'a removal', before: ['1.0.0', '2.0.0'], wish: wishOf('2.0.0', { presence: 'absent' }) },
];

describe.each(STORIES)('kill -9 at every line of $about', ({ before, wish, spoil }) => {
  async function begin(): Promise<World> {
    const world = await deployed(...before);
    spoil?.(world);
    world.wishes = [wish];
    return world;
  }

  it('ends as if nothing had happened', async () => {
    const undisturbed = await begin();
    await live(undisturbed);
    const wanted = undisturbed.state();
    let isEnded = true;
    let endAt = 0;
    for (; isEnded; endAt += 1) {
      const world = await begin();
      const { reconciler, ended } = world.open(endAt);
      reconciler.start().catch(() => {});
      isEnded = await Promise.race([ended.then(() => true), settled(reconciler)]);
      if (isEnded) {
        const inForce = world.inForce.get(wish.modelId);
        const mayBe = [undefined, before.at(-1), wish.manifest.version];
        expect(mayBe).toContain(inForce);
        if (before.length > 0 && wish.presence === 'present') expect(inForce).toBeDefined();
      }
      await live(world);
      expect({ endAt, ...world.state() }).toEqual({ endAt, ...wanted });
    }
    expect(endAt).toBeGreaterThan(8);
  });
});

/** The start may be the call at which the process ends: its look then never comes. */
async function settled(reconciler: Reconciler): Promise<boolean> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  await reconciler.idle();
  return false;
}

describe('many models', () => {
  it('are all brought to their end, one after another where there are more than may run', async () => {
    const world = new World();
    world.wishes = Array.from({ length: 8 }, (_, index) => {
      const manifest = manifestOf('1.0.0', `m/${index}`);
      return wishOf('1.0.0', { modelId: manifest.model_id, manifest });
    });
    await live(world);
    expect([...world.rows.values()].map(({ status }) => status)).toEqual(Array(8).fill('Loaded'));
  });
});
