import { describe, expect, it } from 'vitest';
import type { Clock, NodeId } from '../core/index.ts';
import { ConnectionGate } from './connection-gate.ts';
import { attachmentOf } from './content-disposition.ts';
import { RequestBuckets } from './request-bucket.ts';
import { StreamGate } from './stream-gate.ts';

describe('ConnectionGate', () => {
  const limits = { connections: 3, loopbackConnections: 2, connectionsPerAddress: 2 };

  it('stops an address at its limit and forgets what it left', () => {
    const gate = new ConnectionGate(limits);
    const leave = gate.enter('10.0.0.1');
    gate.enter('10.0.0.1');
    expect(gate.enter('10.0.0.1')).toBe('connections_per_address');
    if (typeof leave === 'function') leave();
    expect(gate.enter('10.0.0.1')).toBeTypeOf('function');
  });

  it('keeps room for this machine when strangers take all theirs', () => {
    const gate = new ConnectionGate(limits);
    for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) gate.enter(address);
    expect(gate.enter('10.0.0.4')).toBe('connections');
    expect(gate.enter('127.0.0.1')).toBeTypeOf('function');
    expect(gate.enter('::1')).toBeTypeOf('function');
    expect(gate.enter('127.0.0.1')).toBe('connections');
  });
});

describe('StreamGate', () => {
  it('counts a peer by its identity and a stranger by its address', () => {
    const gate = new StreamGate({ streamsPerPeer: 2, streamsPerStranger: 1 });
    const peer = { kind: 'peer', nodeId: 'n' as NodeId, role: 'member' } as const;
    const leave = gate.enter(peer, '10.0.0.1');
    gate.enter(peer, '10.0.0.2');
    expect(() => gate.enter(peer, '10.0.0.3')).toThrow(expect.objectContaining({ code: 'too_many_streams' }));
    leave();
    gate.enter(peer, '10.0.0.3');
    gate.enter({ kind: 'stranger' }, '10.0.0.1');
    expect(() => gate.enter({ kind: 'stranger' }, '10.0.0.1')).toThrow();
    gate.enter({ kind: 'stranger' }, '10.0.0.2');
  });
});

describe('RequestBuckets', () => {
  const limits = { strangerRequestsPerSecond: 2, strangerBurst: 3, strangerBuckets: 2 };
  const clockAt = (time: { ms: number }): Clock => ({
    nowMs: () => 0,
    monotonicMs: () => time.ms,
    after: () => () => {},
  });

  it('lets a burst pass, then the rate', () => {
    const time = { ms: 0 };
    const buckets = new RequestBuckets(limits, clockAt(time));
    for (let count = 0; count < 3; count += 1) {
      expect(buckets.waitMs('a')).toBe(0);
      buckets.take('a');
    }
    expect(buckets.waitMs('a')).toBe(500);
    expect(buckets.waitMs('b')).toBe(0);
    time.ms = 500;
    expect(buckets.waitMs('a')).toBe(0);
  });

  it('remembers a bounded number of addresses, the longest unseen forgotten first', () => {
    const buckets = new RequestBuckets({ ...limits, strangerBurst: 1 }, clockAt({ ms: 0 }));
    for (const address of ['a', 'b', 'a', 'c']) buckets.take(address);
    expect(buckets.waitMs('b')).toBe(0);
    expect(buckets.waitMs('a')).toBeGreaterThan(0);
    expect(buckets.waitMs('c')).toBeGreaterThan(0);
  });
});

describe('attachmentOf()', () => {
  it.each([
    ['model.gguf', `attachment; filename="model.gguf"; filename*=UTF-8''model.gguf`],
    ['shards/a b.safetensors', `attachment; filename="a_b.safetensors"; filename*=UTF-8''a%20b.safetensors`],
    ['../../etc/passwd', `attachment; filename="passwd"; filename*=UTF-8''passwd`],
    ['..\\evil.exe', `attachment; filename="evil.exe"; filename*=UTF-8''evil.exe`],
    ['.bashrc', `attachment; filename="_bashrc"; filename*=UTF-8''.bashrc`],
    ['a"\r\nSet-Cookie: x', `attachment; filename="a___Set-Cookie__x"; filename*=UTF-8''a%22%0D%0ASet-Cookie%3A%20x`],
    ['größe.onnx', `attachment; filename="gr__e.onnx"; filename*=UTF-8''gr%C3%B6%C3%9Fe.onnx`],
    ["it's.bin", `attachment; filename="it_s.bin"; filename*=UTF-8''it%27s.bin`],
    ['\ud800', `attachment; filename="_"; filename*=UTF-8''%EF%BF%BD`],
  ])('%j', (path, wanted) => {
    expect(attachmentOf(path)).toBe(wanted);
  });
});
