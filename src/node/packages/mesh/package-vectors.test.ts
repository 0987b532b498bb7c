/** The vectors of what gateways show, and of what entries offer. */
import { expect, test } from 'vitest';
import { readTxt } from '../../../lan/index.ts';
import { modelEntrySchema } from '../../../protocol/index.ts';
import { vectorCases } from '../../../testkit/vectors.ts';
import { readGateway } from './gateway-claim.ts';
import { readPackageEntry } from './package-offer.ts';

interface GatewayCase {
  readonly name: string;
  readonly txt: readonly string[];
  readonly gateway: object | null;
}

test.each(vectorCases<GatewayCase>('local-network', 'gateways.json'))('%s', (_, { txt, gateway }) => {
  const entries = readTxt(txt.map((entry) => Buffer.from(entry))) ?? new Map();
  const claim = readGateway({ instance: 'gateway-01', address: '10.0.0.7', port: 14345, txt: entries });
  const shown = claim && {
    ...{ node_id: claim.nodeId, mesh: claim.meshMark, mesh_port: claim.meshPort ?? null },
    packages: claim.packages.map(({ id, version }) => `${id}@${version}`),
    package_count: claim.packageCount,
  };
  expect(shown ?? null).toEqual(gateway);
});

interface EntryCase {
  readonly name: string;
  readonly entry: object;
  readonly offers: readonly string[];
}

test.each(vectorCases<EntryCase>('local-network', 'package-entries.json'))('%s', (_, { entry, offers }) => {
  const read = readPackageEntry(modelEntrySchema.parse(entry));
  expect(read.map(({ id, version, tier }) => `${id} ${version} ${tier}`)).toEqual(offers);
});
