/**
 * Archives that lie, each in one way, made from the members of any good package: what a reader of packages refuses, and by which word.
 * Spec: docs/spec/21-packages.md §2.
 */
import { deflateRawSync } from 'node:zlib';
import type { AtmoErrorCode } from '../atmo/index.ts';
import { extraField, type HeaderFields, type RawArchive, type RawMember, rawArchive, u64 } from './raw-archive.ts';

/** `manifest.yaml` and one more at least. */
export interface GoodMember {
  readonly path: string;
  readonly content: Buffer;
}

export interface BadArchive {
  /** As a file name: `case-collision`. */
  readonly name: string;
  readonly about: string;
  /** The error's code. */
  readonly code: AtmoErrorCode;
  /** `data.fault`, where the code is `bad_archive`. */
  readonly fault?: string;
  /** Where opening is not enough: the local headers have to be read. */
  readonly isLocal?: boolean;
  readonly build: () => Buffer;
}

type Change = (members: RawMember[]) => RawArchive | Buffer;

export function badArchives(good: readonly GoodMember[]): BadArchive[] {
  const members = good.map(({ path, content }): RawMember => ({ path, content }));
  const make = (change: Change) => () => {
    const archive = change([...members]);
    return Buffer.isBuffer(archive) ? archive : rawArchive(archive);
  };
  return [...LIES_OF_NAMES, ...LIES_OF_HEADERS, ...LIES_OF_PLACES, ...LIES_OF_ENDS].map(({ change, ...row }) => ({
    ...row,
    build: make(change),
  }));
}

type Row = Omit<BadArchive, 'build'> & { readonly change: Change };

const STRAY = Buffer.from('bytes that nobody asked for');
const DOS_FOLDER = 0x10;

/** The same archive, one member more. */
function also(path: string, more: Partial<RawMember> = {}): Change {
  return (members) => ({ members: [...members, { path, content: Buffer.from('x'), ...more }] });
}

/** The same archive, its last member changed. */
function lastWith(more: (last: RawMember) => Partial<RawMember>): Change {
  return (members) => {
    const last = members.at(-1) as RawMember;
    return { members: [...members.slice(0, -1), { ...last, ...more(last) }] };
  };
}

function row(name: string, about: string, code: AtmoErrorCode, change: Change, isLocal = false): Row {
  return { name, about, code, change, ...(isLocal ? { isLocal } : {}) };
}

function bad(name: string, fault: string, about: string, change: Change, isLocal = false): Row {
  return { ...row(name, about, 'bad_archive', change, isLocal), fault };
}

function unsafe(name: string, about: string, change: Change): Row {
  return row(name, about, 'unsafe_member', change);
}

function typed(mode: number): Partial<RawMember> {
  return { central: { attributes: mode * 0x10000 } };
}

const LIES_OF_NAMES: readonly Row[] = [
  unsafe('parent-path', 'leaves its folder', also('../outside.txt')),
  unsafe('inner-parent-path', 'leaves its folder half way', also('models/../../outside.txt')),
  unsafe('absolute-path', 'begins at the root', also('/etc/passwd')),
  unsafe('windows-drive', 'begins at a drive', also('C:/windows/system.ini')),
  unsafe('windows-separators', 'has backslashes, which are separators elsewhere', also('..\\outside.txt')),
  unsafe('windows-device', 'is a device on Windows', also('models/nul.bin')),
  unsafe('trailing-dot', 'loses its last dot on Windows', also('models/a.')),
  unsafe('zero-in-name', 'ends sooner for C programs', also('models/a\u0000.txt')),
  unsafe('same-name-twice', 'two members of one name', (members) => ({
    members: [...members, members.at(-1) as RawMember],
  })),
  unsafe('case-collision', 'one file where case is not told apart', (members) => ({
    members: [...members, { path: 'docs/Read.me', content: STRAY }, { path: 'docs/read.me', content: STRAY }],
  })),
  unsafe('accent-collision', 'one file where accents are composed', (members) => ({
    members: [...members, { path: 'docs/caf\u00e9', content: STRAY }, { path: 'docs/cafe\u0301', content: STRAY }],
  })),
  unsafe('folder-case-collision', 'one folder spelt in two ways', (members) => ({
    members: [...members, { path: 'extra/a', content: STRAY }, { path: 'Extra/b', content: STRAY }],
  })),
  unsafe('file-and-folder', 'a file that is the folder of another', (members) => ({
    members: [...members, { path: 'extra', content: STRAY }, { path: 'extra/a', content: STRAY }],
  })),
  unsafe('deep-folders', 'folders in each other without end', also(`${'d/'.repeat(200)}f`)),
  unsafe(
    'symbolic-link',
    'a link to a file outside',
    also('models/link', { content: Buffer.from('/etc/passwd'), ...typed(0o120777) }),
  ),
  unsafe('device-node', 'a device', also('models/device', typed(0o060644))),
  unsafe('named-pipe', 'a pipe, which blocks whoever opens it', also('models/pipe', typed(0o010644))),
  unsafe('folder-as-file', 'a folder with the name of a file', also('models/folder', typed(0o040755))),
  unsafe(
    'dos-folder-as-file',
    'a folder in the words of DOS',
    also('models/folder', { central: { attributes: DOS_FOLDER } }),
  ),
  bad(
    'name-not-utf8',
    'name',
    'a name of bytes that are no UTF-8',
    also('x', { fields: { name: Buffer.from([0x6d, 0xff, 0xfe]) } }),
  ),
  bad('name-not-marked', 'name', 'a name in an unknown character set', also('models/\u00fc', { fields: { flags: 0 } })),
  bad(
    'second-name',
    'extra_field',
    'another name in an extra field, which some extractors prefer',
    also('models/a', {
      fields: { extra: extraField(0x7075, Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), Buffer.from('../outside')])) },
    }),
  ),
];

function lyingLocal(local: HeaderFields): Change {
  return lastWith(() => ({ local }));
}

const LIES_OF_HEADERS: readonly Row[] = [
  row(
    'compressed',
    'a member that is compressed',
    'not_stored',
    lastWith(({ content }) => ({ packed: deflateRawSync(content), fields: { method: 8 } })),
  ),
  row(
    'bomb',
    'a gigabyte in a few bytes',
    'not_stored',
    also('models/bomb', { packed: deflateRawSync(Buffer.alloc(65_536)), fields: { method: 8, sizeBytes: 2 ** 30 } }),
  ),
  row(
    'encrypted',
    'a member that says it is encrypted',
    'not_stored',
    lastWith(() => ({ fields: { flags: 0x0801 } })),
  ),
  bad(
    'data-descriptor',
    'data_descriptor',
    'sizes that stand behind the content',
    lastWith(({ content }) => ({
      fields: { flags: 0x0808 },
      local: { crc: 0, sizeBytes: 0, packedBytes: 0 },
      after: Buffer.concat([
        Buffer.from('PK\u0007\u0008'),
        Buffer.alloc(4),
        Buffer.from(Uint32Array.of(content.length, content.length).buffer),
      ]),
    })),
  ),
  bad(
    'unknown-flags',
    'flags',
    'flags of central directory encryption',
    lastWith(() => ({ fields: { flags: 0x2800 } })),
  ),
  bad(
    'two-sizes',
    'member_size',
    'stored, and packed smaller than it is',
    lastWith(({ content }) => ({ fields: { sizeBytes: content.length + 1 } })),
  ),
  bad(
    'folder-with-content',
    'member_size',
    'a folder that has bytes',
    also('extra/', { central: { attributes: 0o040755 * 0x10000 } }),
  ),
  bad(
    'other-local-name',
    'header_differs',
    'extractors that stream see another name',
    lastWith(({ path }) => ({ local: { name: path.replace(/.$/, '~') } })),
    true,
  ),
  bad(
    'other-local-size',
    'header_differs',
    'extractors that stream see another size',
    lyingLocal({ sizeBytes: 1, packedBytes: 1 }),
    true,
  ),
  bad('other-local-method', 'header_differs', 'extractors that stream decompress it', lyingLocal({ method: 8 }), true),
  bad(
    'other-local-flags',
    'header_differs',
    'extractors that stream take it for encrypted',
    lyingLocal({ flags: 0x0801 }),
    true,
  ),
  bad('other-local-crc', 'header_differs', 'two checksums of one member', lyingLocal({ crc: 7 }), true),
  bad('no-local-header', 'header_differs', 'nothing where the directory says', lyingLocal({ signature: 0 }), true),
  bad(
    'member-comment',
    'comment',
    'bytes in a comment',
    lastWith(() => ({ central: { comment: STRAY } })),
  ),
  bad(
    'broken-extra',
    'extra_field',
    'an extra field longer than all of them',
    lastWith(() => ({ central: { extra: Buffer.from([0x55, 0x54, 0xff, 0x00]) } })),
  ),
  bad(
    'hidden-in-extra',
    'extra_field',
    'bytes in an extra field that nobody knows',
    lastWith(() => ({ fields: { extra: extraField(0x4242, STRAY) } })),
  ),
  bad(
    'zip64-too-much',
    'zip64',
    '64-bit numbers that no field asks for',
    lastWith(() => ({ central: { extra: extraField(1, u64(1)) } })),
  ),
  bad(
    'zip64-missing',
    'zip64',
    'a size that is said to stand elsewhere, and does not',
    lastWith(() => ({ central: { sizeBytes: 0xffffffff } })),
  ),
  row(
    'huge-member',
    'a member of 4 PiB',
    'too_large',
    lastWith(() => ({
      central: { sizeBytes: 0xffffffff, packedBytes: 0xffffffff, extra: extraField(1, u64(2 ** 52, 2 ** 52)) },
    })),
  ),
  bad(
    'beyond-numbers',
    'zip64',
    'a size of 2^64 - 1',
    lastWith(() => ({
      central: {
        sizeBytes: 0xffffffff,
        packedBytes: 0xffffffff,
        extra: extraField(1, u64(2n ** 64n - 1n, 2n ** 64n - 1n)),
      },
    })),
  ),
];

const LIES_OF_PLACES: readonly Row[] = [
  bad('overlap', 'overlap', 'two members that share bytes', (members) => ({
    members: members.map((member, index) => (index === 1 ? { ...member, central: { offset: 1 } } : member)),
  })),
  bad('same-place', 'overlap', 'two entries for one member', (members) => ({
    members: members.map((member, index) => (index === 1 ? { ...member, central: { offset: 0 } } : member)),
  })),
  bad(
    'overlap-by-size',
    'overlap',
    'a size that reaches into the directory',
    lastWith(({ content }) => ({
      fields: { sizeBytes: content.length + 8, packedBytes: content.length + 8 },
    })),
  ),
  bad(
    'small-gap',
    'gap',
    'a few bytes between two members',
    (members) => ({
      members: members.map((member, index) => (index === 0 ? { ...member, after: STRAY } : member)),
    }),
    true,
  ),
  bad('large-gap', 'gap', 'two thousand bytes before the directory', (members) => ({
    members,
    beforeDirectory: Buffer.alloc(2_000, 7),
  })),
  bad('hidden-member', 'gap', 'a member that the directory does not name', (members) => ({
    members: [
      ...members.slice(0, 1),
      { path: 'hidden.bin', content: Buffer.alloc(4_000, 7), isHidden: true },
      ...members.slice(1),
    ],
  })),
  bad('out-of-order', 'order', 'a directory in another order than the members', (members) => ({
    members,
    order: members.map((_, index) => index).reverse(),
  })),
  bad('leading-bytes', 'leading_bytes', 'a program before the archive', (members) => ({ members, leading: STRAY })),
  bad(
    'uncounted-leading-bytes',
    'leading_bytes',
    'a program before the archive, which its offsets do not count',
    (members) => ({
      members,
      leading: STRAY,
      leadingIsCounted: false,
    }),
  ),
];

const LIES_OF_ENDS: readonly Row[] = [
  bad('trailing-bytes', 'trailing_bytes', 'bytes behind the end', (members) => ({ members, trailing: STRAY })),
  bad('archive-comment', 'comment', 'bytes in the comment of the archive', (members) => ({
    members,
    end: { comment: STRAY },
  })),
  bad(
    'archive-in-comment',
    'leading_bytes',
    'another archive in the comment, whose end is the end of the file',
    (members) => ({
      members,
      end: { comment: rawArchive({ members: [{ path: 'manifest.yaml', content: STRAY }] }) },
    }),
  ),
  bad('volume', 'multi_disk', 'a volume of an archive of several', (members) => ({
    members,
    end: { disk: 1, directoryDisk: 1 },
  })),
  bad(
    'member-in-volume',
    'multi_disk',
    'a member in another volume',
    lastWith(() => ({ central: { disk: 3 } })),
  ),
  bad('fewer-entries', 'directory', 'an end that counts fewer members', (members) => ({
    members,
    end: { members: members.length - 1 },
  })),
  bad('more-entries', 'directory', 'an end that counts more members', (members) => ({
    members,
    end: { members: members.length + 1 },
  })),
  bad('two-counts', 'multi_disk', 'two counts of members', (members) => ({ members, end: { membersHere: 1 } })),
  bad('bytes-behind-directory', 'leading_bytes', 'bytes between the directory and the end', (members) => ({
    members,
    afterDirectory: STRAY,
  })),
  bad('two-ends', 'zip64', 'an end of zip64 that tells of another directory', (members) => ({
    members,
    end64: { directoryAt: 0, directoryBytes: 10 },
  })),
  bad('lost-end64', 'zip64', 'a locator that points elsewhere', (members) => ({ members, end64: { at: 5 } })),
  bad('missing-end64', 'zip64', 'an end that refers to one of zip64', (members) => ({
    members,
    end: { directoryAt: 0xffffffff },
  })),
  row('million-members', 'an end that counts a million members', 'too_large', (members) => ({
    members,
    end: { members: 0xffff, membersHere: 0xffff },
    end64: { members: 1_000_000 },
  })),
  row('huge-directory', 'a directory of a terabyte', 'too_large', (members) => ({
    members,
    end: { directoryBytes: 0xffffffff },
    end64: { directoryBytes: 2 ** 40 },
  })),
  row('cut-in-the-end', 'its last ten bytes are missing', 'truncated', (members) =>
    rawArchive({ members }).subarray(0, -10),
  ),
  row('cut-in-the-middle', 'its second half is missing', 'truncated', (members) => {
    const whole = rawArchive({ members });
    return whole.subarray(0, Math.floor(whole.length / 2));
  }),
  row('cut-in-the-front', 'its first bytes are missing', 'truncated', (members) =>
    rawArchive({ members }).subarray(100),
  ),
];
