import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { AnswerOf } from '../../api/index.ts';
import { messageOf } from '../../core/index.ts';
import type { CommandSpec, GroupSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';

interface AddOptions {
  readonly name?: string;
  readonly founder?: string;
}

const trustList: CommandSpec = {
  usage: 'list',
  about: 'Meshes whose packages are taken here, and founders of whom one must have signed',
  examples: ['atmosphere package trust list'],
  async run(context) {
    return show(context, await context.call('packageTrust'));
  },
};

const trustAdd: CommandSpec<AddOptions> = {
  usage: 'add [mesh-id]',
  about: 'Take packages of another mesh; with --founder, only those that a founder signed too',
  examples: [
    'atmosphere package trust add mesh_HVooMgikzK8pQtKSY6P3H143DKqtbtukWZoKLgq9vAgd --name plant-2',
    'atmosphere package trust add --founder ./founder.pub.pem --name quality',
  ],
  options: [
    { flags: '--name <name>', about: 'how it is called here' },
    { flags: '--founder <file>', about: 'an Ed25519 public key in PEM' },
  ],
  async run(context, { args: [meshId], options: { name = '', founder } }) {
    if ((meshId === undefined) === (founder === undefined))
      throw new CliError('bad_usage', 'Wanted a mesh id, or --founder FILE');
    const body =
      founder === undefined ? { mesh_id: meshId ?? '', name } : { founder: await readKey(context, founder), name };
    return show(context, await context.call('packageTrustAdd', { body }));
  },
};

const trustRemove: CommandSpec = {
  usage: 'remove <id>',
  about: 'Take no more packages of a mesh, or ask for a founder’s signature no more; what is installed stays',
  examples: ['atmosphere package trust remove mesh_HVooMgikzK8pQtKSY6P3H143DKqtbtukWZoKLgq9vAgd'],
  async run(context, { args: [id = ''] }) {
    return show(context, await context.call('packageTrustRemove', { body: { id } }));
  },
};

export const packageTrust: GroupSpec = {
  usage: 'trust',
  about: 'Whose packages are taken here',
  examples: ['atmosphere package trust list', 'atmosphere package trust add MESH_ID --name plant-2'],
  children: [trustList, trustAdd, trustRemove],
};

async function readKey(context: Context, file: string): Promise<string> {
  const path = resolve(context.io.cwd, file);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CliError('bad_usage', `Reading ${path}: ${messageOf(cause)}`, { cause });
  });
  if (text.includes('PRIVATE KEY'))
    throw new CliError('bad_usage', `${path} is a private key; wanted the public one: openssl pkey -in FILE -pubout`);
  return text;
}

function show({ out }: Context, answer: AnswerOf<'packageTrust'>): number {
  out.answer(answer, () => [
    ...answer.meshes.map(
      ({ mesh_id, name, own }) => `mesh ${mesh_id}${own ? ' (this one)' : ''}${name === '' ? '' : `  ${name}`}`,
    ),
    ...answer.founders.map(({ key, name }) => `founder ${key}${name === '' ? '' : `  ${name}`}`),
  ]);
  return 0;
}
