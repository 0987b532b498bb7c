import { GiB, type LimitTable, limitValues, MiB, TiB } from '../core/index.ts';

export const PROTOCOL_LIMIT_TABLE = {
  frameBytes: { value: MiB, why: 'one message on a mesh stream; larger asks are split by their protocol' },
  modelIdChars: { value: 200, why: 'a model id is shown in tables and becomes folders' },
  pathSegmentChars: { value: 200, why: 'below the 255 bytes of every common file system' },
  pathChars: { value: 1024, why: 'a path inside a model, well under PATH_MAX' },
  versionChars: { value: 100, why: 'versions are shown and compared' },
  labelChars: { value: 200, why: 'names of nodes, capabilities, classes and the like' },
  catalogEntriesPerPage: { value: 50, why: 'so that announcing one model resends at most this many entries' },
  catalogEntryBytes: { value: 8 * 1024, why: 'one entry, with its metadata, as canonical JSON' },
  catalogEntriesPerMessage: { value: 20_000, why: 'a whole catalog from an implementation that does not page' },
  capabilitiesPerModel: { value: 64, why: 'capabilities and tags of one model' },
  classesPerModel: { value: 10_000, why: 'detector classes, kept out of gossip above 100' },
  recordBytes: { value: 256 * 1024, why: 'one signed record; a full catalog page fits four times' },
  reconcileDigestsPerPage: { value: 4000, why: 'author digests of one answer: 600 kB, under a frame' },
  reconcileAuthorsPerAsk: { value: 200, why: 'authors whose records one question may list' },
  reconcileEntriesPerPage: { value: 4000, why: 'listed records of one answer: 700 kB, under a frame' },
  reconcileRecordsPerAsk: { value: 500, why: 'records one question may ask for; the answer stops earlier at a frame' },
  fileSetFiles: { value: 10_000, why: 'files of one model' },
  fileSetBytes: { value: 4 * MiB, why: 'the file list of one model' },
  blobBytes: { value: TiB, why: 'largest blob; above every model known' },
  clockSkewMs: { value: 300_000, why: 'how far in the future a signed time may lie' },
  catalogTtlSeconds: { value: 300, why: 'a node unheard for this long has no models' },
  maxTtlSeconds: { value: 3600, why: 'no peer may ask to be remembered for longer' },
  metadataBytes: { value: 4096, why: 'free fields of one entry' },
  modelBytes: { value: 16 * 1024 * GiB, why: 'sum of one model’s files, safe as a JSON integer' },
} as const satisfies LimitTable;

export const PROTOCOL_LIMITS = limitValues(PROTOCOL_LIMIT_TABLE);
