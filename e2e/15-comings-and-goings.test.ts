/** Journey 15: a pull over holders that sleep, move, go and come, and over a network that is away for a while. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Transfer } from '../src/api/index.ts';
import { MB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { type Islands, openIslands } from './islands.ts';
import { joinUp, seesModel, sha256Of } from './journeys.ts';

const MODEL_BYTES = 24 * MB;
/** So that whatever happens, happens in the middle. */
const SLOWLY = '24Mbps';
/** From the moment that the holder can be reached again. */
const SOON_MS = 25_000;

let islands: Islands;
let network: DevNetwork;
let town: DevNode;
let factory: DevNode;
let office: DevNode;

beforeAll(async () => {
  islands = openIslands('town', ['factory', 'office']);
  network = await DevNetwork.open();
  town = network.node('town', { within: islands.within('town'), flags: ['--relay-server'] });
  factory = network.node('factory', { within: islands.within('factory') });
  office = network.node('office', { within: islands.within('office') });
  await joinUp([town, factory, office]);
});
afterAll(async () => {
  await network?.close();
  islands?.close();
});
beforeEach(() => town.json('transfers', 'limit', '--download', SLOWLY));

async function offer(id: string, seed: number, holder: DevNode = factory): Promise<string> {
  const path = join(network.folder, `${id}.gguf`);
  await writeGgufFile(path, { sizeBytes: MODEL_BYTES, seed });
  await holder.json('model', 'import', path, '--name', `acme/${id}`);
  await seesModel(town, `acme/${id}`);
  return path;
}

function transferIs(id: string, isSo: (transfer: Transfer) => boolean, patienceMs = SOON_MS): Promise<unknown> {
  const ask = async (): Promise<Transfer | undefined> => {
    const { transfers } = await town.json<{ transfers: Transfer[] }>('transfers');
    return transfers.find(({ model_id }) => model_id === `acme/${id}`);
  };
  return eventually(ask, (transfer) => transfer !== undefined && isSo(transfer), patienceMs);
}

/** Starts the pull, and resolves when some of it has come. */
async function pullSome(id: string): Promise<void> {
  await town.json('model', 'pull', `acme/${id}`, '--detach');
  await transferIs(id, ({ bytes_downloaded }) => bytes_downloaded >= 3 * MB);
}

/** The rest at full speed. */
async function finishes(id: string, path: string): Promise<void> {
  await town.json('transfers', 'limit', '--clear');
  let end: Transfer | undefined;
  await transferIs(id, (transfer) => {
    end = transfer;
    return ['Completed', 'Failed'].includes(transfer.state);
  });
  // Not a piece of it came twice.
  const moved = (end?.peers ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
  expect([end?.state, end?.bytes_downloaded, moved, end]).toEqual(['Completed', MODEL_BYTES, MODEL_BYTES, end]);
  expect(await sha256Of(end?.path ?? '')).toBe(await sha256Of(path));
}

const isStuck = ({ waiting, peers }: Transfer): boolean =>
  waiting !== undefined || (peers ?? []).some(({ failures }) => failures > 0);

test('15.1 a holder that sleeps in the middle is noticed within seconds, and used again when it wakes', async () => {
  const path = await offer('sleep', 1);
  await pullSome('sleep');
  process.kill(factory.pid, 'SIGSTOP');
  try {
    await transferIs('sleep', isStuck);
  } finally {
    process.kill(factory.pid, 'SIGCONT');
  }
  await finishes('sleep', path);
});

test('15.2 a holder that is killed and comes back on other ports is found there', async () => {
  const path = await offer('ports', 2);
  await pullSome('ports');
  const before = factory.ready.http;
  await factory.kill();
  await factory.up();
  expect(factory.ready.http).not.toBe(before);
  await finishes('ports', path);
});

test('15.3 a holder that goes for good is replaced by one that comes', async () => {
  const path = await offer('relay-race', 3);
  await pullSome('relay-race');
  await factory.kill();
  await office.json('model', 'import', path, '--name', 'acme/relay-race');
  await finishes('relay-race', path);
  await factory.up();
});

test('15.4 a network that is away for a while: the pull goes on by itself when it is back', async () => {
  const path = await offer('cable', 4, office);
  await pullSome('cable');
  islands.cut('office');
  await transferIs('cable', isStuck);
  islands.mend('office');
  await finishes('cable', path);
});

test('15.5 a holder that gets another address is found there', async () => {
  const path = await offer('moved', 5, office);
  await pullSome('moved');
  islands.cut('office');
  islands.mend('office', 77);
  await finishes('moved', path);
});
