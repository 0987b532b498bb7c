/**
 * `up` in the foreground: opens the daemon, says that it is ready, and closes it when a signal, `down` or an error ends
 * it. A closed stdout does not end it. Spec: docs/spec/11-cli.md §3.
 */
import { CONTRACT_VERSION, type Daemon, type DaemonReady } from '../api/index.ts';
import type { Context } from './context.ts';
import { CLI_LIMITS } from './limits.ts';
import { toDaemonConfig, type UpOptions } from './up-config.ts';
import { aborted, isWithin } from './waiting.ts';

export async function runForeground(context: Context, options: UpOptions): Promise<number> {
  const { io, out, home } = context;
  const daemon = await io.openDaemon(toDaemonConfig(options, { home, cwd: io.cwd, env: io.env }));
  announceReady(context, daemon.ready);
  await Promise.race([daemon.stopped, aborted(io.interrupted)]);
  if (io.interrupted.aborted) await stop(context, daemon);
  if (context.json) out.event({ event: 'stopped' });
  else out.note('stopped');
  return 0;
}

export function announceReady(context: Context, ready: DaemonReady): void {
  const { node_id, name, http, agent, mesh, home, pid, relay } = ready;
  context.out.answer(
    {
      event: 'ready',
      contract: CONTRACT_VERSION,
      node_id,
      name,
      http,
      agent,
      mesh,
      home,
      pid,
      ...(relay === undefined ? {} : { relay }),
    },
    () => [
      `${context.out.paint('green', 'ready')}  ${name}  ${http}  (pid ${pid})`,
      `  node  ${node_id}`,
      `  home  ${home}`,
      `  agent ${agent}`,
      ...mesh.map((address) => `  mesh  ${address}`),
      ...(relay === undefined ? [] : [`  relay ${relay}`]),
    ],
  );
}

async function stop({ out }: Context, daemon: Daemon): Promise<void> {
  out.note('stopping…');
  const stopped = daemon.stop().catch((thrown: unknown) => out.warn(`warning: stopping the daemon: ${String(thrown)}`));
  if (!(await isWithin(stopped, CLI_LIMITS.stopTimeoutMs)))
    out.warn('warning: the daemon did not close in time and is left as a crash would leave it');
}
