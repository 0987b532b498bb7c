/** How each of several models that fit one name can be named exactly. Spec: docs/spec/11-cli.md §7. Pure. */

interface Variant {
  readonly model_id: string;
  readonly version: string;
  readonly sha256: string;
}

/** `org/name@1.2`; where another has the same version too, `org/name@sha256:<12 digits>`. What is no variant is left out. */
export function describeVariants(value: unknown): string[] {
  const variants = Array.isArray(value) ? value.filter(isVariant) : [];
  const named = variants.map(({ model_id, version }) => `${model_id}@${version}`);
  return variants.map(({ model_id, version, sha256 }, index) => {
    const name = named[index] ?? '';
    const isAlone = named.indexOf(name) === named.lastIndexOf(name);
    return isAlone ? name : `${model_id}@sha256:${sha256.slice(0, 12)}  (version ${version})`;
  });
}

function isVariant(value: unknown): value is Variant {
  const { model_id, version, sha256 } = (value ?? {}) as Partial<Record<keyof Variant, unknown>>;
  return typeof model_id === 'string' && typeof version === 'string' && typeof sha256 === 'string';
}
