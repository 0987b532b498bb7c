import { describe } from 'vitest';
import { MemoryInviteStore, MemoryPeerStore, MemoryRecordStore } from './memory-stores.ts';
import { testInviteStore, testPeerStore, testRecordStore } from './stores.conformance.ts';

describe('MemoryRecordStore', () => testRecordStore(() => new MemoryRecordStore()));
describe('MemoryPeerStore', () => testPeerStore(() => new MemoryPeerStore()));
describe('MemoryInviteStore', () => testInviteStore(() => new MemoryInviteStore()));
