import type { Status } from '../../api/index.ts';
import { formatBytes } from '../../core/index.ts';
import type { CommandSpec } from '../command.ts';
import { formatCount, formatDuration, formatMoment } from '../format.ts';
import { layoutPairs } from '../table.ts';

export const status: CommandSpec = {
  usage: 'status',
  about: 'This node at a glance',
  examples: ['atmosphere status', 'atmosphere status --json'],
  async run(context) {
    const answer = await context.call('status');
    context.out.answer(answer, () => [
      ...layoutPairs(describe(answer)),
      ...answer.problems.map((problem) => `${context.out.paint('yellow', 'problem')}  ${problem}`),
    ]);
    if (answer.problems.length > 0) context.out.note('what to do: atmosphere doctor');
    return 0;
  },
};

function describe(answer: Status): [string, string][] {
  const { mesh, models, store, transfers } = answer;
  return [
    ['node', `${answer.name} (${answer.role}), ${answer.node_id}`],
    ['daemon', `version ${answer.version}, pid ${answer.pid}, up ${formatDuration(answer.uptime_s * 1000)}`],
    ['home', answer.home],
    ['http', answer.listen.http],
    ...answer.listen.mesh.map((address): [string, string] => ['mesh address', address]),
    ['mesh', `${mesh.name}, ${describeMembers(answer)}${mesh.authority ? ', this node is its authority' : ''}`],
    [
      'models',
      `${models.ready} of ${models.local} here ready (${formatBytes(models.size_bytes)}), ${models.mesh} on other nodes`,
    ],
    ...describeHashing(answer),
    ...describeReach(answer),
    ...describePackages(answer),
    ['limits', describeLimits(answer.limits)],
    ['transfers', `${transfers.active} active, ${transfers.completed} completed, ${transfers.failed} failed`],
    [
      'store',
      `${formatBytes(store.owned_bytes)} stored, ${formatBytes(store.partial_bytes)} partial, ${formatBytes(store.free_bytes)} free`,
    ],
    ['memory', formatBytes(answer.memory_bytes)],
  ];
}

function describeMembers({ mesh }: Status): string {
  return `${formatCount(mesh.members, 'member')}, ${mesh.connected} connected`;
}

function describeHashing({ hashing }: Status): [string, string][] {
  if (hashing.files_left === 0) return [];
  const left = `${formatCount(hashing.files_left, 'file')} left to read (${formatBytes(hashing.bytes_left)})`;
  return [['hashing', `${left}${hashing.current === null ? '' : `: ${hashing.current}`}`]];
}

/** What stands between this node and others: relays, being one, mirrors. */
function describeReach({ relays, relay, mirrors }: Status): [string, string][] {
  return [
    ...relays.map(({ address, kind, up, why }): [string, string] => [
      kind === 'splice' ? 'by relay' : 'by ws-relay',
      `${address}, ${up ? 'reachable' : `not reachable: ${why ?? 'not yet'}`}`,
    ]),
    ...(relay === null ? [] : [describeRelay(relay)]),
    ...mirrors.map((url): [string, string] => ['mirror', url]),
  ];
}

function describeRelay({ address, holders, pairs, bytes }: NonNullable<Status['relay']>): [string, string] {
  const carried = `${formatCount(pairs, 'connection')} joined now, ${formatBytes(bytes)} since the start`;
  return ['is a relay', `${address}, ${formatCount(holders, 'node')} reachable through it, ${carried}`];
}

/** Which part of packages it takes, and how their agents are. */
function describePackages({ tier, agents, agent_runner: runner }: Status): [string, string][] {
  const words = {
    running: 'running',
    starting: 'starting',
    waiting: 'waiting to be started again',
    refused: 'refused',
  };
  const counts = Object.entries(words).flatMap(([state, word]) => {
    const count = agents.filter((agent) => agent.state === state).length;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  const idle = `${formatCount(agents.length, 'agent')} not started: no agent runner is configured`;
  if (agents.length === 0) return [['tier', tier]];
  return [
    ['tier', tier],
    ['agents', runner === null ? idle : counts.join(', ')],
  ];
}

function describeLimits({ profile, download, upload, by_size, until }: Status['limits']): string {
  if (profile === 'lan') return 'none';
  const rates = `download ${download}, upload ${upload}${by_size ? ', each transfer by its size' : ''}`;
  return `${profile}: ${rates}${until === null ? '' : `, until ${formatMoment(until)}`}`;
}
