import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { InstalledPackageRow, PackageEvent } from '../api/index.ts';
import { capture } from './captured-io.fixture.ts';
import { type Asked, openFakeDaemon } from './fake-daemon.fixture.ts';

const MESH = 'mesh_HVooMgikzK8pQtKSY6P3H143DKqtbtukWZoKLgq9vAgd';
const ROW: InstalledPackageRow = {
  ...{
    id: 'line',
    version: '1.3',
    tier: 'tier_1',
    state: 'installed',
    previous_version: '1.2',
    size_bytes: 50_000_000,
  },
  ...{
    manifest_sha256: 'a'.repeat(64),
    mesh_id: MESH,
    signer: MESH,
    created_by: 'hq',
    created_at: '2030-01-01T00:00:00Z',
  },
  ...{ installed_at: '2030-01-02T00:00:00.000Z', path: '/home/packages/line/1.3', models: 2, notes: [] },
  agents: [{ id: 'vision', version: '1.2', state: 'running', detail: 'pid 1' }],
};
const INSTALLED: PackageEvent[] = [
  { event: 'started' },
  { event: 'step', step: 'store', id: 'line', version: '1.3' },
  {
    event: 'config',
    path: 'line.yaml',
    message: 'changed; what was there is line.yaml.previous',
    diff: '-a: 1\n+a: 2\n',
  },
  { event: 'completed', id: 'line', version: '1.3', tier: 'tier_1', package: ROW },
];

async function* lines(events: readonly PackageEvent[]) {
  yield* events;
}

async function run(argv: readonly string[], answers: Record<string, (asked: Asked) => unknown>) {
  await using daemon = await openFakeDaemon(answers);
  const { code, stdout: out, stderr: err } = await capture([...argv, '--home', daemon.home]);
  return { code, out, err };
}

describe('package import', () => {
  test('says what was installed and what changed, and asks for the absolute path', async () => {
    let asked: unknown;
    const result = await run(['package', 'import', 'x.atmo', '--tier', '1'], {
      'POST /api/v1/packages/import': ({ body }) => {
        asked = body;
        return lines(INSTALLED);
      },
    });
    expect([result.code, result.out]).toEqual([
      0,
      'config line.yaml: changed; what was there is line.yaml.previous\n  -a: 1\n  +a: 2\ninstalled line 1.3 (tier_1); before: 1.2\n',
    ]);
    expect(asked).toMatchObject({ path: expect.stringMatching(/^\/.*x\.atmo$/), tier: 'tier_1' });
  });

  test('with parts that are missing is no failure: it names them', async () => {
    const waiting: PackageEvent = { event: 'waiting', message: '1 of 2 parts of x are here', missing_parts: ['x.002'] };
    const { code, out } = await run(['package', 'import', 'x.001'], {
      'POST /api/v1/packages/import': () => lines([{ event: 'started' }, waiting]),
    });
    expect([code, out]).toEqual([0, 'waiting: 1 of 2 parts of x are here\n  missing: x.002\n']);
  });

  test('that is refused ends with the reason and what to try', async () => {
    const failed: PackageEvent = { event: 'failed', code: 'downgrade_refused', kind: 'refused', error: '1.4 is newer' };
    const { code, err } = await run(['package', 'import', 'x.atmo'], {
      'POST /api/v1/packages/import': () => lines([failed]),
    });
    expect([code, err]).toEqual([6, expect.stringContaining('package rollback')]);
  });

  test('over a package of another mesh is the owner’s word, and says so where it is missing', async () => {
    const bodies: unknown[] = [];
    const refused = { event: 'failed', code: 'other_mesh', kind: 'refused', error: 'of another' } as const;
    const routes = {
      'POST /api/v1/packages/import': (request: { readonly body: unknown }) => {
        bodies.push(request.body);
        return lines([refused]);
      },
    };
    const { err } = await run(['package', 'import', 'x.atmo'], routes);
    await run(['package', 'import', 'x.atmo', '--allow-other-mesh'], routes);
    expect(err).toContain('--allow-other-mesh');
    expect(bodies).toMatchObject([{ allow_downgrade: false }, { allow_other_mesh: true }]);
  });

  test('of a mesh that nobody trusts says how to trust exactly that one', async () => {
    const refused = { event: 'failed', code: 'mesh_unknown', kind: 'refused', error: 'unknown' } as const;
    const { err } = await run(['package', 'import', 'x.atmo'], {
      'POST /api/v1/packages/import': () => lines([{ ...refused, data: { meshId: MESH } }]),
    });
    expect(err).toContain(`package trust add ${MESH}`);
  });

  test.each([[['--allow-downgrade']], [['--reason', 'because']]])(
    'wants a reason with a downgrade: %s',
    async (flags) => {
      const { code, err } = await run(['package', 'import', 'x.atmo', ...flags], {});
      expect([code, err]).toEqual([2, expect.stringContaining('belong together')]);
    },
  );
});

describe('package remove', () => {
  const REMOVE = 'POST /api/v1/packages/remove';

  test('says what went and that the configuration stays', async () => {
    let asked: unknown;
    const result = await run(['package', 'remove', 'line'], {
      [REMOVE]: ({ body }) => {
        asked = body;
        return { id: 'line', versions: ['1.3', '1.2'], parts: 0, config: '/home/config/line' };
      },
    });
    expect([result.code, result.out, asked]).toEqual([0, 'removed line 1.3, 1.2\n', { id: 'line', waiting: false }]);
    expect(result.err).toContain('its configuration stays: /home/config/line');
  });

  test('with --waiting discards parts', async () => {
    const { out } = await run(['package', 'remove', 'b.atmo', '--waiting'], {
      [REMOVE]: ({ body }) => {
        expect(body).toEqual({ id: 'b.atmo', waiting: true });
        return { id: 'b.atmo', versions: [], parts: 2, config: null };
      },
    });
    expect(out).toBe('discarded 2 parts of b.atmo\n');
  });

  test.each([
    [{}, 'model list'],
    [{ installed_packages: 1 }, 'package remove …'],
  ])('is what makes room for an import where packages are: %j', async (data, advice) => {
    const failed = { event: 'failed', code: 'package_no_space', kind: 'storage', error: 'full', data } as const;
    const { err } = await run(['package', 'import', 'x.atmo'], {
      'POST /api/v1/packages/import': () => lines([failed]),
    });
    expect([err.includes(advice), err.includes('package remove')]).toEqual([true, 'installed_packages' in data]);
  });
});

test('package list shows state, agents and what waits for parts', async () => {
  const waiting = [
    { name: 'b.atmo', size_bytes: 10, missing_bytes: 4_000_000, parts: 3, missing_parts: ['b.atmo.002'] },
  ];
  const { out, err } = await run(['package', 'list'], { 'GET /api/v1/packages': () => ({ packages: [ROW], waiting }) });
  expect(out).toMatch(/line +1\.3 +tier_1 +50\.0 MB +installed +1\.2 +2 +1 of 1 run/);
  expect(err).toContain('b.atmo waits for 1 of 3 parts, 4.0 MB: b.atmo.002');
});

describe('package trust', () => {
  const answer = { meshes: [{ mesh_id: MESH, name: 'plant', added_at: null, own: true }], founders: [] };

  test('add wants a mesh or a founder’s public key, and takes no private one', async () => {
    await using daemon = await openFakeDaemon({ 'POST /api/v1/packages/trust': () => answer });
    const key = join(daemon.home, 'key.pem');
    await writeFile(key, '-----BEGIN PRIVATE KEY-----\n');
    const add = (...flags: string[]) => capture(['package', 'trust', 'add', ...flags, '--home', daemon.home]);
    expect((await add(MESH, '--name', 'plant')).stdout).toBe(`mesh ${MESH} (this one)  plant\n`);
    expect((await add()).code).toBe(2);
    expect(await add('--founder', key)).toMatchObject({ code: 2, stderr: expect.stringContaining('-pubout') });
  });
});
