/** What a pull asks the daemon for, from the command's words. Spec: docs/spec/11-cli.md §7. Pure. */
import { CliError } from './errors.ts';
import { parseModelRef } from './model-ref.ts';

export interface PullCriteria {
  readonly capabilities?: readonly string[];
  readonly version?: string;
  readonly maxSize?: number;
  readonly wait?: number;
}

/** Throws ProtocolError `unsafe_name`, CliError `bad_usage`. */
export function toPullTarget(name: string, { capabilities, version, maxSize, wait }: PullCriteria) {
  const ref = name === '' ? {} : parseModelRef(name);
  if (name === '' && capabilities === undefined && maxSize === undefined)
    throw new CliError('bad_usage', 'Pulling a model: wanted its name, or what it should be able to do', {
      data: { try: 'atmosphere model pull --help' },
    });
  if (version !== undefined && 'range' in ref)
    throw new CliError('bad_usage', `Pulling ${name}: its version is said twice, after the @ and by --version`);
  return {
    ...ref,
    ...(version === undefined ? {} : { range: version }),
    ...(capabilities === undefined ? {} : { capabilities: [...capabilities] }),
    ...(maxSize === undefined ? {} : { max_size_bytes: maxSize }),
    ...(wait === undefined ? {} : { wait_s: wait }),
  };
}

/** Nothing where nobody said anything: then it is done where it is sooner. */
export function toDifferenceChoice({ difference }: { readonly difference?: boolean }) {
  return difference === undefined ? {} : { difference: difference ? ('always' as const) : ('never' as const) };
}
