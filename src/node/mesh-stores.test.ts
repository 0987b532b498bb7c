/** The registry is what the mesh keeps its records, addresses and invites in: its suite over SQLite. */
import { afterEach } from 'vitest';
import { testInviteStore, testPeerStore, testRecordStore } from '../mesh/stores.conformance.ts';
import { openRegistry, type Registry } from '../registry/index.ts';

const open: Registry[] = [];
afterEach(() => {
  for (const registry of open.splice(0)) registry.close();
});

function registry(): Registry {
  const made = openRegistry(':memory:');
  open.push(made);
  return made;
}

testRecordStore(() => registry().records);
testPeerStore(() => registry().peers);
testInviteStore(() => registry().invites);
