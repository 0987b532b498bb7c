/** A source of a run: a script in this process, or in one that dies and comes back at the same port; behind its link. */
import { startHostileHttpServer, type TestBlob } from '../src/testkit/hostile-http-server.ts';
import { listOf, servingOf } from './answers.ts';
import { Child } from './child.ts';
import { openLink } from './link.ts';
import type { SeederOrder, SeederReport } from './messages.ts';
import type { SourcePlan } from './scenario.ts';

export interface RunningSource extends AsyncDisposable {
  readonly id: string;
  readonly url: string;
  /** Processes that ran, to be looked for at the end. */
  readonly pids: readonly number[];
}

export interface SourceContext {
  readonly blob: TestBlob;
  readonly contentSeed: string;
  readonly folder: string;
}

export async function startSource(plan: SourcePlan, context: SourceContext): Promise<RunningSource> {
  await using stack = new AsyncDisposableStack();
  const { port, pids } =
    plan.lives === undefined ? await serveHere(plan, context, stack) : await serveInChild(plan, context, stack);
  const link = plan.cuts.length === 0 ? undefined : stack.use(await openLink(port, plan.cuts));
  const all = stack.move();
  const url = link?.url ?? `http://127.0.0.1:${port()}`;
  return { id: plan.id, url, pids, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

interface Serving {
  port(): number;
  readonly pids: readonly number[];
}

async function serveHere(plan: SourcePlan, { blob }: SourceContext, stack: AsyncDisposableStack): Promise<Serving> {
  const server = stack.use(await startHostileHttpServer(blob, servingOf(plan, blob, 0)));
  server.lieAboutPieces(listOf(plan, blob));
  return { port: () => Number(new URL(server.url).port), pids: [] };
}

/** The next life begins when the one before has ended, and the last one does not end. */
async function serveInChild(plan: SourcePlan, context: SourceContext, stack: AsyncDisposableStack): Promise<Serving> {
  const listening = Promise.withResolvers<void>();
  const pids: number[] = [];
  let [port, served, isOver] = [0, 0, false];
  let child: Child<SeederOrder, SeederReport> | undefined;
  let lives: Promise<void> = Promise.resolve();
  const live = async (life: number): Promise<void> => {
    const { contentSeed, folder, blob } = context;
    child = new Child('seeder-child.ts', folder, (line) => {
      if (line.on === 'request') served += 1;
      if (line.on === 'listening') {
        port = line.port;
        listening.resolve();
      }
    });
    pids.push(child.pid);
    const dieAfterBytes = plan.lives?.[life];
    child.order({ plan, contentSeed, sizeBytes: blob.content.length, port, served, dieAfterBytes });
    await child.gone();
    if (isOver) return;
    if (dieAfterBytes === undefined) listening.reject(new Error(`a source ended by itself: ${child.lastWords}`));
    else await live(life + 1);
  };
  lives = live(0);
  stack.defer(async () => {
    isOver = true;
    await child?.kill();
    await lives;
  });
  await listening.promise;
  return { port: () => port, pids };
}
