/** `model.safetensors.index.json`: which shards a model has. Pure. Spec: docs/spec/07-formats.md §3.4. */
import { FormatsError, type FormatsErrorCode } from './errors.ts';
import { objectField, parseJsonObject } from './json-fields.ts';
import { FORMATS_LIMITS } from './limits.ts';

const SHARD_NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]*\.safetensors$/;

/** The distinct shard names, sorted. Throws FormatsError. */
export function parseShardIndex(bytes: Buffer): readonly string[] {
  if (bytes.length > FORMATS_LIMITS.shardIndexBytes)
    throw fail('too_large_header', `${bytes.length} bytes, at most ${FORMATS_LIMITS.shardIndexBytes}`);
  const weightMap = objectField(parseJsonObject(bytes.toString('utf8')) ?? {}, 'weight_map');
  if (weightMap === undefined) throw fail('bad_header', 'it has no weight_map');
  const names = new Set(Object.values(weightMap));
  if (names.size > FORMATS_LIMITS.shardFiles) throw fail('too_large_header', `${names.size} shards`);
  for (const name of names) {
    if (typeof name !== 'string' || name.length > FORMATS_LIMITS.textChars || !SHARD_NAME.test(name))
      throw fail('bad_header', `a shard is named ${JSON.stringify(name)?.slice(0, 80)}`);
  }
  return ([...names] as string[]).sort();
}

function fail(code: FormatsErrorCode, fault: string): FormatsError {
  return new FormatsError(code, `Reading a shard index: ${fault}`, { data: { format: 'safetensors' } });
}
