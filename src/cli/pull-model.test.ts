import { describe, expect, test } from 'vitest';
import { capture } from './captured-io.fixture.ts';
import { type Answers, errorBody, lines, openFakeDaemon } from './fake-daemon.fixture.ts';
import { DIGEST, makePullEvent } from './samples.fixture.ts';

const PULL = 'POST /api/v1/transfers';
const CANCEL = `DELETE /api/v1/transfers/${makePullEvent().request_id}`;
const completed = makePullEvent({
  event: 'completed',
  bytes_downloaded: 1000,
  path: '/home/models/m.gguf',
  duration_ms: 900,
});
const failed = {
  ...makePullEvent({ event: 'failed' }),
  error: 'Every peer sent bad bytes',
  code: 'no_peer',
  kind: 'integrity',
};

async function pull(answers: Answers, argv: readonly string[], options: Parameters<typeof capture>[1] = {}) {
  await using daemon = await openFakeDaemon(answers);
  const captured = await capture(['model', 'pull', ...argv, '--home', daemon.home], options);
  return Object.assign(captured, { asked: daemon.asked });
}

describe('model pull', () => {
  test('--json is an event a line; the last is completed with digest, path, size and time', async () => {
    let sent: unknown;
    const answers: Answers = {
      [PULL]: ({ body }) => {
        sent = body;
        return lines(makePullEvent({ event: 'started' }), makePullEvent(), completed);
      },
    };
    const { code, documents } = await pull(answers, ['org/llama3@>=1 <2', '--from', 'alpha', '--json']);
    expect(code).toBe(0);
    expect(sent).toEqual({ id: 'org/llama3', range: '>=1 <2', from: 'alpha' });
    expect(documents.map(({ event }) => event)).toEqual(['started', 'progress', 'completed']);
    expect(documents.at(-1)).toMatchObject({
      sha256: DIGEST,
      path: '/home/models/m.gguf',
      size_bytes: 1000,
      duration_ms: 900,
    });
  });

  test('for people says what came, how fast, from whom, and where it lies', async () => {
    const { stdout, stderr } = await pull({ [PULL]: () => lines(makePullEvent(), completed) }, ['org/llama3']);
    expect(stdout).toContain('pulled org/llama3@1.2.0  1.0 kB in 900 ms, 556 B/s from alpha\n  /home/models/m.gguf\n');
    expect(stderr).toContain('org/llama3:  50%  500 B / 1.0 kB  10.0 MB/s  0:12 left  from alpha');
  });

  test('--difference and --no-difference are passed on, and what was saved is told', async () => {
    const sent: unknown[] = [];
    const answers: Answers = {
      [PULL]: ({ body }) => {
        sent.push(body);
        const difference = { bytes: 34, total_bytes: 100, instead_of_bytes: 1000 };
        return lines(
          makePullEvent({ difference: { ...difference, state: 'making' } }),
          makePullEvent({ bytes_downloaded: 0, difference: { ...difference, state: 'fetching' } }),
          { ...completed, difference: { ...difference, bytes: 100, state: 'applied' } },
        );
      },
    };
    const { stdout, stderr } = await pull(answers, ['org/llama3', '--difference']);
    await pull(answers, ['org/llama3', '--no-difference']);
    await pull(answers, ['org/llama3']);
    expect(sent).toEqual([
      { id: 'org/llama3', difference: 'always' },
      { id: 'org/llama3', difference: 'never' },
      { id: 'org/llama3' },
    ]);
    expect(stderr).toContain('a peer makes the difference to what is here');
    expect(stdout).toContain('\n  difference: 100 B instead of 1.0 kB\n');
  });

  test('of what was on this machine already no rate is told', async () => {
    const local = { ...completed, peers: [], bytes_downloaded: 1000 };
    const { stdout } = await pull({ [PULL]: () => lines(local) }, ['org/llama3']);
    expect(stdout).toContain('pulled org/llama3@1.2.0  1.0 kB, all of it from what was on this machine already\n');
  });

  test('says what holds it back, who paused it, and of several givers how much each gave', async () => {
    const giver = (name: string, bytes: number) => ({ node_id: name, name, bytes, failures: 0 });
    const peers = [giver('alpha', 600), giver('beta', 400), { ...giver('liar', 9), dropped: 'bad_piece' }];
    const held = lines(makePullEvent({ held_to: '40Mbps' }), { ...completed, peers });
    const { stdout, stderr } = await pull({ [PULL]: () => held }, ['org/llama3']);
    expect(stderr).toContain('10.0 MB/s (held to 40Mbps)  0:12 left  from alpha');
    expect(stdout).toContain(' from alpha 60%, beta 40%\n');
    expect(stderr).toContain('liar sent wrong bytes and was dropped');
    const paused = await pull({ [PULL]: () => lines(makePullEvent({ paused: true }), completed) }, ['org/llama3']);
    expect(paused.stderr).toContain('paused; to go on: atmosphere transfers resume 3f2a91c0');
  });

  test('that ends for want of room says that what arrived is kept', async () => {
    const full = { ...makePullEvent({ event: 'failed' }), error: 'No room', code: 'disk_full', kind: 'storage' };
    const { code, stderr } = await pull({ [PULL]: () => lines(makePullEvent(), full) }, ['org/llama3']);
    expect(code).toBe(7);
    expect(stderr).toMatch(/what has arrived is kept.*\n(.*\n)*try: .*model remove/);
  });

  test('on a terminal draws a bar and takes it away', async () => {
    const { stderr } = await pull({ [PULL]: () => lines(makePullEvent(), completed) }, ['org/llama3'], {
      columns: 100,
    });
    expect(stderr).toContain('━');
    expect(stderr.endsWith('\u001b[1A\r\u001b[J')).toBe(true);
  });

  test('of bytes that are here already moves nothing and says so', async () => {
    const here = { ...completed, already_here: true };
    expect((await pull({ [PULL]: () => lines(here) }, ['org/llama3'])).stdout).toContain(
      'already here: org/llama3@1.2.0',
    );
  });

  test('that failed exits by the kind of its last event, which is the last line', async () => {
    const { code, documents } = await pull({ [PULL]: () => lines(makePullEvent(), failed) }, ['org/llama3', '--json']);
    expect(code).toBe(4);
    expect(documents).toHaveLength(2);
    expect(documents.at(-1)).toMatchObject({
      event: 'failed',
      sha256: DIGEST,
      path: null,
      size_bytes: 1000,
      code: 'no_peer',
    });
  });

  test('that was refused before it began ends with a failed line too', async () => {
    const answers: Answers = {
      [PULL]: () => {
        throw errorBody('not_found', 'Pulling org/llama3: nobody has it');
      },
    };
    const { code, documents } = await pull(answers, ['org/llama3', '--json']);
    expect(code).toBe(3);
    expect(documents).toEqual([
      {
        event: 'failed',
        sha256: null,
        path: null,
        size_bytes: null,
        duration_ms: expect.any(Number),
        error: 'Pulling org/llama3: nobody has it',
        code: 'not_found',
        kind: 'not_found',
        try: expect.stringContaining('model list --mesh'),
      },
    ]);
  });

  test('whose connection broke without a last word exits 5', async () => {
    const { code, documents } = await pull({ [PULL]: () => lines(makePullEvent()) }, ['org/llama3', '--json']);
    expect(code).toBe(5);
    expect(documents.at(-1)).toMatchObject({ event: 'failed', kind: 'unreachable' });
  });

  test('that is interrupted cancels its own request, waits for the last word, and exits 130', async () => {
    const interrupt = new AbortController();
    const cancelled = Promise.withResolvers<void>();
    async function* events() {
      yield makePullEvent();
      await cancelled.promise;
      yield { ...makePullEvent({ event: 'failed' }), error: 'Cancelled', code: 'cancelled', kind: 'cancelled' };
    }
    const answers: Answers = {
      [PULL]: () => events(),
      [CANCEL]: () => {
        cancelled.resolve();
        return {};
      },
    };
    const { code, documents, asked, stderr } = await pull(answers, ['org/llama3', '--json'], {
      interrupted: interrupt.signal,
      onStdout: () => interrupt.abort(),
    });
    expect(code).toBe(130);
    expect(asked).toEqual([PULL, CANCEL]);
    expect(documents.map(({ event }) => event)).toEqual(['progress', 'failed']);
    expect(documents.at(-1)).toMatchObject({ code: 'interrupted', kind: 'cancelled' });
    expect(stderr).toContain('what has arrived is kept');
    expect(stderr).toMatch(/try: atmosphere --home \S+ model pull org\/llama3\n/);
  });

  test('--detach returns after the first event and cancels nothing', async () => {
    async function* events() {
      yield makePullEvent({ event: 'started' });
      await new Promise(() => {});
    }
    const { code, documents, asked } = await pull({ [PULL]: () => events() }, ['org/llama3', '--detach', '--json']);
    expect(code).toBe(0);
    expect(documents.map(({ event }) => event)).toEqual(['started']);
    expect(asked).toEqual([PULL]);
  });
});
