import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GiB } from '../../core/index.ts';
import { rawArchive } from '../../testkit/raw-archive.ts';
import { AtmoError } from '../errors.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { ArchiveSource } from './archive-source.ts';
import { encodeCentralHeader, encodeEnd, encodeLocalHeader, type MemberRecord } from './records.ts';

const MEMBERS = [
  { path: 'manifest.yaml', content: Buffer.from('package: {}\n') },
  { path: 'models/a.onnx', content: Buffer.alloc(50, 3) },
  { path: 'custody.jsonl', content: Buffer.alloc(0) },
];

function inMemory(bytes: Buffer): ByteSource {
  const read = async (buffer: Buffer, position: number) => {
    const some = bytes.subarray(position, position + buffer.length);
    buffer.set(some);
    return some.length;
  };
  return { name: 'memory', sizeBytes: bytes.length, read, [Symbol.asyncDispose]: async () => {} };
}

/** The contents, or the code of the refusal. Whatever else is thrown fails the test. */
async function readAll(bytes: Buffer): Promise<string> {
  try {
    await using source = await ArchiveSource.open(inMemory(bytes));
    await source.checkLayout();
    const texts: string[] = [];
    for (const { path, sizeBytes } of source.entries) {
      const buffer = Buffer.alloc(sizeBytes);
      expect(await source.read(path, buffer, 0)).toBe(sizeBytes);
      texts.push(`${path} ${buffer.toString('hex')}`);
    }
    return texts.join('\n');
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(AtmoError);
    return (thrown as AtmoError).code;
  }
}

test('no byte of the structure can be changed so that something else is read, or anything but an AtmoError is thrown', async () => {
  const good = rawArchive({ members: MEMBERS, end64: {} });
  const meant = await readAll(good);
  const contents = MEMBERS.map(({ content }) => content.toString('hex'));
  for (let at = 0; at < good.length; at += 1)
    for (const value of [0, 1, 0x7f, 0xff, (good[at] ?? 0) ^ 0x20]) {
      const changed = Buffer.from(good);
      changed[at] = value;
      const got = await readAll(changed);
      const isContent = got.split('\n').length === MEMBERS.length && got.length === meant.length;
      if (got !== meant && isContent) {
        const names = got.split('\n').map((line) => line.split(' ')[0]);
        expect([names.join(), `byte ${at} = ${value}`]).toEqual([
          MEMBERS.map(({ path }) => path).join(),
          `byte ${at} = ${value}`,
        ]);
        expect(got.split('\n').filter((line, index) => !line.endsWith(contents[index] ?? '')).length).toBe(1);
      } else if (got !== meant) expect(got).toMatch(/^[a-z_]+$/);
    }
});

test('an archive cut off, doubled or filled with anything is refused, not misread', async () => {
  const good = rawArchive({ members: MEMBERS });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(good.length - 1),
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(good.length),
      async (cut, noise, at) => {
        for (const bad of [
          good.subarray(0, cut),
          good.subarray(good.length - cut),
          Buffer.concat([good.subarray(0, at), noise, Buffer.from([0]), good.subarray(at)]),
          Buffer.concat([good, good.subarray(0, at)]),
          Buffer.from(noise),
        ])
          if (!bad.equals(good)) expect(await readAll(bad)).toMatch(/^[a-z_]+$/);
      },
    ),
    { numRuns: 150 },
  );
});

test('a package of 50 GiB is opened by reading its end, and a member by reading its header and itself', async () => {
  const sizeBytes = 10 * GiB;
  const chunks = new Map<number, Buffer>();
  const records: MemberRecord[] = [];
  let offset = 0;
  for (let index = 0; index < 2_000; index += 1) {
    const isLarge = index % 400 === 0;
    const record = {
      name: Buffer.from(`f${index}`),
      sizeBytes: isLarge ? sizeBytes : 7,
      crc: 0,
      dosTime: 0,
      dosDate: 33,
      offset,
    };
    const header = encodeLocalHeader(record);
    chunks.set(offset, header);
    records.push(record);
    offset += header.length + record.sizeBytes;
  }
  const directory = Buffer.concat(records.map(encodeCentralHeader));
  const end = Buffer.concat([directory, encodeEnd({ members: records.length, offset, sizeBytes: directory.length })]);
  let readBytes = 0;
  const read = async (buffer: Buffer, position: number) => {
    readBytes += buffer.length;
    buffer.fill(0);
    if (position >= offset) return end.copy(buffer, 0, position - offset);
    if (position + buffer.length > offset) return buffer.length - end.length + end.copy(buffer, offset - position);
    chunks.get(position)?.copy(buffer);
    return buffer.length;
  };
  const bytes = { name: 'far', sizeBytes: offset + end.length, read, [Symbol.asyncDispose]: async () => {} };
  await using source = await ArchiveSource.open(bytes);
  expect(source.sizeBytes).toBeGreaterThan(50 * GiB);
  expect(readBytes).toBeLessThan(300_000);
  readBytes = 0;
  await source.read('f1600', Buffer.alloc(1000), sizeBytes - 1000);
  expect(readBytes).toBeLessThan(1_100);
  await source.checkLayout();
  expect(readBytes).toBeLessThan(150_000);
});
